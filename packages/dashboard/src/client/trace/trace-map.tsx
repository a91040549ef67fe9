import { useMemo } from 'preact/hooks';
import type { JSX } from 'preact';
import { serviceGraph } from '../../model/service-graph.ts';
import { ServiceMap } from '../map/service-map.tsx';
import { Empty } from '../ui/states.tsx';
import { t } from '../texts.ts';
import type { TraceView } from './view.ts';

/** The services of this trace and their calls. */
export function TraceMap({ view }: { view: TraceView }): JSX.Element {
  const trace = view.trace.value;
  const graph = useMemo(() => serviceGraph(trace), [trace]);
  if (graph.edges.length === 0) return <Empty icon="map" title={t.mapPage.oneService} tries={[t.mapPage.noneTry]} />;
  return (
    <ServiceMap
      graph={graph}
      onService={(name) => {
        const service = trace.strings.indexOf(name);
        view.onlyServices.value = [service];
        view.tab.value = 'waterfall';
      }}
    />
  );
}
