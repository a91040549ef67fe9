import type { SummaryJson } from '@forge/query';
import { connectApi } from '../api-client.ts';
import { createPaint, serviceStyles, wantsColor, type Paint, type Style } from '../colors.ts';
import { widthOf, type CommandHost, type GlobalOptions } from '../command-host.ts';
import { cutText, fitText, safeText } from '../display-text.ts';
import { durationText } from '../duration-text.ts';
import { readEvents } from '../event-stream.ts';
import { parametersOf, type FilterOptions } from '../search-options.ts';

/** `forge tail`: a line for each new trace that matches, until Ctrl-C. With --json one object a line. */
export async function tailTraces(host: CommandHost, options: FilterOptions, global: GlobalOptions): Promise<void> {
  const api = await connectApi(host, global);
  try {
    const query = parametersOf(options).toString();
    const response = await api.request(`/live${query === '' ? '' : `?${query}`}`, { signal: host.signal });
    if (response.body === null) return;
    if (global.json !== true && host.stdout.isTTY === true) host.stderr.write('waiting for traces; Ctrl-C ends\n');
    const paint = createPaint(wantsColor(host.stdout, host.env));
    const services = new Map<string, Style>();
    for await (const { event, data } of readEvents(response.body)) {
      if (global.json === true) {
        host.stdout.write(`${data}\n`);
        continue;
      }
      // A trace that goes on growing is not shown again: its line would be the same but for the numbers.
      if (event !== 'trace') continue;
      const trace = JSON.parse(data) as SummaryJson;
      host.stdout.write(`${traceLine(trace, widthOf(host), styleOf(services, trace.root.service_name), paint)}\n`);
    }
  } catch (error) {
    if (!host.signal.aborted) throw error;
  } finally {
    await api.close();
  }
}

/** Each service keeps the colour it first got. */
function styleOf(styles: Map<string, Style>, service: string): Style {
  if (!styles.has(service)) {
    for (const [name, style] of serviceStyles([...styles.keys(), service])) styles.set(name, style);
  }
  return styles.get(service)!;
}

function traceLine(trace: SummaryJson, width: number, style: Style, paint: Paint): string {
  const { root } = trace;
  const name = root.resource === root.operation_name ? root.operation_name : `${root.operation_name} ${root.resource}`;
  const spans = `${trace.spans} span${trace.spans === 1 ? '' : 's'}`;
  const fixed = `${trace.start_time.slice(11, 23)}  ${trace.trace_id}  ${fitText(durationText(trace.duration_us), 8, 'right')}  `;
  const end = trace.errors === 0 ? spans : `${spans}, ✗ ${trace.errors}`;
  const service = cutText(safeText(root.service_name), 20);
  const room = Math.max(8, width - fixed.length - service.length - end.length - 4);
  return `${fixed}${paint(style, service)}  ${paint('bold', cutText(safeText(name), room))}  ${paint(trace.errors === 0 ? 'dim' : 'red', end)}`;
}
