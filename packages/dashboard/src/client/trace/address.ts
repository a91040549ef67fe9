import { effect } from '@preact/signals';
import { place, setParams } from '../app/location.ts';
import { TABS, type Tab, type TraceView } from './view.ts';

const SETTLE_MS = 200;

/** What the address says of a view: only what is not as at first. */
function paramsOf(view: TraceView): Record<string, string | undefined> {
  const zoom = view.zoom.value;
  const scale = view.scale.value;
  const focus = view.focus.value;
  const time = (at: number): string => String(Math.round((scale.time(at) - scale.startUs) * 1000) / 1000);
  return {
    view: view.tab.value === 'waterfall' ? undefined : view.tab.value,
    span: view.spanIdOf(view.selected.value),
    focus: focus === undefined ? undefined : view.spanIdOf(focus),
    zoom: view.isZoomed ? `${time(zoom.from)}-${time(zoom.to)}` : undefined,
    q: view.query.value,
    only:
      [view.onlyErrors.value && 'errors', view.onlyPath.value && 'path', view.onlySlow.value && 'slow']
        .filter(Boolean)
        .join(',') || undefined,
    service:
      view.onlyServices.value.map((at) => `~${encodeURIComponent(view.text(at)).replaceAll('~', '%7E')}`).join('') ||
      undefined,
    hide: view.hide.value ? '1' : undefined,
    path: view.showPath.value ? undefined : '0',
    group: view.groupRepeats.value ? '1' : undefined,
    squeeze: view.squeeze.value ? '1' : undefined,
    panel: view.panelOpen.value ? undefined : '0',
  };
}

/** Whether the address asks for corrected clocks: known before the trace is arranged. */
export function wantsSkew(params: URLSearchParams): boolean {
  return params.get('skew') === '1';
}

/** Names are set apart by `~`, escaped within them: any other sign may be part of a name, and a name may be empty. */
function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Puts a view into the state that an address describes. */
export function applyParams(view: TraceView, params: URLSearchParams): void {
  const tab = params.get('view');
  view.tab.value = TABS.includes(tab as Tab) ? (tab as Tab) : 'waterfall';
  view.query.value = params.get('q') ?? '';
  const only = (params.get('only') ?? '').split(',');
  view.onlyErrors.value = only.includes('errors');
  view.onlyPath.value = only.includes('path');
  view.onlySlow.value = only.includes('slow');
  const wanted = new Set((params.get('service') ?? '').split('~').slice(1).map(decodeName));
  view.onlyServices.value = view.trace.value.services
    .filter(({ name }) => wanted.has(name))
    .map(({ service }) => service);
  view.hide.value = params.get('hide') === '1';
  view.showPath.value = params.get('path') !== '0';
  view.groupRepeats.value = params.get('group') === '1';
  view.squeeze.value = params.get('squeeze') === '1';
  view.panelOpen.value = params.get('panel') !== '0';
  const focus = params.get('focus');
  const focusNode = focus === null ? -1 : view.nodeOfSpanId(focus);
  if ((view.focus.value ?? -1) !== focusNode) view.setFocus(focusNode < 0 ? undefined : focusNode);
  const zoom = /^(-?[\d.]+)-([\d.]+)$/.exec(params.get('zoom') ?? '');
  if (zoom === null) view.resetZoom();
  else {
    const scale = view.scale.value;
    view.setZoom(scale.place(scale.startUs + Number(zoom[1])), scale.place(scale.startUs + Number(zoom[2])));
  }
  const span = params.get('span');
  const node = span === null ? -1 : view.nodeOfSpanId(span);
  if (view.selected.value < 0 || node < 0 || view.spanIdOf(view.selected.value) !== span) view.select(node);
}

/**
 * Keeps the address and the view the same, both ways, until the returned function is called. Another view or focus is
 * a step back in the history; walking through spans is not.
 */
export function syncAddress(view: TraceView): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let written = '';
  let pushed = { tab: view.tab.value, focus: view.focus.value };
  const stopWriting = effect(() => {
    const params = { ...paramsOf(view), skew: view.trace.value.skew.applied ? '1' : undefined };
    const key = JSON.stringify(params);
    if (key === written) return;
    const step = { tab: view.tab.value, focus: view.focus.value };
    const isStep = step.tab !== pushed.tab || step.focus !== pushed.focus;
    pushed = step;
    clearTimeout(timer);
    const write = (): void => {
      written = key;
      setParams(params, isStep);
    };
    if (isStep) write();
    else timer = setTimeout(write, SETTLE_MS);
  });
  const onPopState = (): void => {
    clearTimeout(timer);
    applyParams(view, place.peek().params);
    pushed = { tab: view.tab.value, focus: view.focus.value };
    written = JSON.stringify({ ...paramsOf(view), skew: view.trace.value.skew.applied ? '1' : undefined });
    clearTimeout(timer);
  };
  addEventListener('popstate', onPopState);
  return () => {
    stopWriting();
    clearTimeout(timer);
    removeEventListener('popstate', onPopState);
  };
}
