import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import { countText, durationText, percentText, shortCountText } from '../../model/duration-text.ts';
import { assignColors } from '../../model/service-colors.ts';
import type { ServiceEdge, ServiceGraph } from '../../model/service-graph.ts';
import type { GraphLayout, LayoutRequest } from '../../worker/layout-worker.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';
import { Loading } from '../ui/states.tsx';
import { useSize } from '../ui/use-size.ts';
import { t } from '../texts.ts';
import css from './service-map.module.css';

const NODE_HEIGHT = 44;
/** More services than that are a list's matter: nobody reads such a drawing. */
const MAX_DRAWN = 150;

/** Services as boxes, calls as lines between them; the same as a table below. */
export function ServiceMap({
  graph,
  onService,
}: {
  graph: ServiceGraph;
  onService: (name: string) => void;
}): JSX.Element {
  const shown = useMemo(() => busiest(graph), [graph]);
  const layout = useLayout(shown);
  const selected = useSignal<string | undefined>(undefined);
  const isOmitting = shown.services.length < graph.services.length;
  return (
    <div class={css.map}>
      {layout === undefined ? (
        <Loading label={t.mapPage.layout} />
      ) : (
        <Drawing
          graph={shown}
          layout={layout}
          selected={selected.value}
          onSelect={(name) => (selected.value = name)}
          onOpen={onService}
        />
      )}
      <aside class={css.side} aria-label={t.mapPage.list}>
        {isOmitting && <p class={css.note}>{t.mapPage.tooMany(shown.services.length, graph.services.length)}</p>}
        <EdgeTable graph={graph} selected={selected.value} onService={onService} />
      </aside>
    </div>
  );
}

function busiest(graph: ServiceGraph): ServiceGraph {
  if (graph.services.length <= MAX_DRAWN) return graph;
  const services = graph.services.toSorted((a, b) => b.spans - a.spans).slice(0, MAX_DRAWN);
  const names = new Set(services.map(({ name }) => name));
  return { unit: graph.unit, services, edges: graph.edges.filter(({ from, to }) => names.has(from) && names.has(to)) };
}

let worker: Worker | undefined;
let lastId = 0;

function useLayout(graph: ServiceGraph): GraphLayout | undefined {
  const layout = useSignal<GraphLayout | undefined>(undefined);
  useEffect(() => {
    worker ??= new Worker(new URL('../../worker/layout-worker.ts', import.meta.url), {
      type: 'module',
      name: 'layout',
    });
    const id = ++lastId;
    const places = new Map(graph.services.map(({ name }, at) => [name, at]));
    const request: LayoutRequest = {
      id,
      nodes: graph.services.map(({ name }) => ({ width: nodeWidth(name), height: NODE_HEIGHT })),
      edges: graph.edges.map(({ from, to }) => ({ from: places.get(from)!, to: places.get(to)! })),
    };
    const onMessage = (event: MessageEvent<GraphLayout>): void => {
      if (event.data.id === id) layout.value = event.data;
    };
    worker.addEventListener('message', onMessage);
    worker.postMessage(request);
    return () => worker?.removeEventListener('message', onMessage);
  }, [graph]);
  return layout.value?.nodes.length === graph.services.length ? layout.value : undefined;
}

function nodeWidth(name: string): number {
  return Math.min(240, Math.max(136, name.length * 7.4 + 34));
}

interface DrawingProps {
  readonly graph: ServiceGraph;
  readonly layout: GraphLayout;
  readonly selected: string | undefined;
  readonly onSelect: (name: string | undefined) => void;
  readonly onOpen: (name: string) => void;
}

interface Camera {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

function Drawing({ graph, layout, selected, onSelect, onOpen }: DrawingProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const camera = useSignal<Camera | undefined>(undefined);
  const fitted: Camera = fit(layout, size.width, size.height);
  const { x, y, zoom } = camera.value ?? fitted;
  const colors = assignColors(graph.services.map(({ name }) => name));
  const most = Math.max(1, ...graph.edges.map(({ calls }) => calls));
  const zoomBy = (factor: number, px = size.width / 2, py = size.height / 2): void => {
    const next = Math.min(3, Math.max(0.05, zoom * factor));
    camera.value = { zoom: next, x: px - ((px - x) / zoom) * next, y: py - ((py - y) / zoom) * next };
  };
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const rect = element.getBoundingClientRect();
      zoomBy(
        Math.exp(Math.min(0.4, Math.max(-0.4, -event.deltaY * 0.003))),
        event.clientX - rect.left,
        event.clientY - rect.top,
      );
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  });
  const onPointerDown = (event: PointerEvent): void => {
    const surface = box.current;
    if (event.button !== 0 || surface === null || (event.target as Element).closest('button') !== null) return;
    const start = { x: event.clientX - x, y: event.clientY - y };
    surface.setPointerCapture(event.pointerId);
    const onMove = (move: PointerEvent): void => {
      camera.value = { zoom, x: move.clientX - start.x, y: move.clientY - start.y };
    };
    surface.addEventListener('pointermove', onMove);
    surface.addEventListener('lostpointercapture', () => surface.removeEventListener('pointermove', onMove), {
      once: true,
    });
  };
  const isNear = (edge: ServiceEdge): boolean =>
    selected === undefined || edge.from === selected || edge.to === selected;
  return (
    <div class={css.drawing} ref={box} role="group" aria-label={t.mapPage.label} onPointerDown={onPointerDown}>
      <div class={css.camera} style={{ transform: `translate(${x}px, ${y}px) scale(${zoom})` }}>
        <svg class={css.edges} width={layout.width} height={layout.height} aria-hidden="true">
          {graph.edges.map((edge, at) => (
            <Edge
              key={at}
              edge={edge}
              points={layout.edges[at]}
              width={1 + 3 * Math.sqrt(edge.calls / most)}
              isNear={isNear(edge)}
            />
          ))}
        </svg>
        {graph.edges.map((edge, at) => (
          <EdgeLabel key={at} edge={edge} points={layout.edges[at]} isNear={isNear(edge)} />
        ))}
        {graph.services.map(({ name, spans, errors }, at) => (
          <button
            key={name}
            type="button"
            class={css.node}
            data-error={errors > 0 ? '' : undefined}
            aria-pressed={selected === name}
            style={{
              left: `${layout.nodes[at].x - nodeWidth(name) / 2}px`,
              top: `${layout.nodes[at].y - NODE_HEIGHT / 2}px`,
              width: `${nodeWidth(name)}px`,
              '--c': `var(--s${colors.get(name) ?? 0})`,
            }}
            onClick={() => onSelect(selected === name ? undefined : name)}
            onDblClick={() => onOpen(name)}
            onKeyDown={(event) => moveFocus(event, layout, at)}
          >
            <bdi class={css.name}>{name === '' ? t.unnamed : name}</bdi>
            <span class={css.facts}>
              {t.mapPage.count(shortCountText(spans), spans, graph.unit)}
              {errors > 0 && (
                <span class={css.errors}>
                  <Icon name="error" size={10} />
                  {shortCountText(errors)}
                </span>
              )}
            </span>
          </button>
        ))}
      </div>
      <div class={css.controls}>
        <Button icon="zoomIn" label={t.mapPage.zoomIn} onClick={() => zoomBy(1.3)} />
        <Button icon="zoomOut" label={t.mapPage.zoomOut} onClick={() => zoomBy(1 / 1.3)} />
        <Button icon="focus" label={t.mapPage.fit} onClick={() => (camera.value = undefined)} />
      </div>
    </div>
  );
}

function fit(layout: GraphLayout, width: number, height: number): Camera {
  if (width === 0 || layout.width === 0) return { x: 0, y: 0, zoom: 1 };
  const zoom = Math.min(1.15, width / layout.width, height / layout.height);
  return { zoom, x: (width - layout.width * zoom) / 2, y: (height - layout.height * zoom) / 2 };
}

type Points = GraphLayout['edges'][number];

/** A smooth line through the layout's points, and its arrow's head drawn by hand. */
function Edge({
  edge,
  points,
  width,
  isNear,
}: {
  edge: ServiceEdge;
  points: Points;
  width: number;
  isNear: boolean;
}): JSX.Element {
  const [first, ...rest] = points;
  const end = points[points.length - 1];
  const before = points[points.length - 2] ?? first;
  const angle = Math.atan2(end.y - before.y, end.x - before.x);
  const head = 6 + width;
  const tip = (turn: number): string =>
    `${(end.x - head * Math.cos(angle + turn)).toFixed(1)} ${(end.y - head * Math.sin(angle + turn)).toFixed(1)}`;
  let path = `M${first.x.toFixed(1)} ${first.y.toFixed(1)}`;
  for (const [at, point] of rest.entries()) {
    const next = rest[at + 1];
    if (next === undefined) path += ` L${point.x.toFixed(1)} ${point.y.toFixed(1)}`;
    else
      path += ` Q${point.x.toFixed(1)} ${point.y.toFixed(1)} ${((point.x + next.x) / 2).toFixed(1)} ${((point.y + next.y) / 2).toFixed(1)}`;
  }
  return (
    <g class={css.edge} data-error={edge.errors > 0 ? '' : undefined} data-far={isNear ? undefined : ''}>
      <path d={path} stroke-width={width} fill="none" />
      <path d={`M${end.x.toFixed(1)} ${end.y.toFixed(1)} L${tip(0.42)} L${tip(-0.42)} Z`} class={css.arrow} />
    </g>
  );
}

function EdgeLabel({ edge, points, isNear }: { edge: ServiceEdge; points: Points; isNear: boolean }): JSX.Element {
  const middle = points[Math.floor(points.length / 2)];
  return (
    <span
      class={css.label}
      data-far={isNear ? undefined : ''}
      style={{ left: `${middle.x}px`, top: `${middle.y}px` }}
      title={`${edge.from} → ${edge.to}`}
    >
      {shortCountText(edge.calls)} · {durationText(edge.meanUs)}
      {edge.errors > 0 && <span class={css.errors}>{percentText(edge.errors / edge.calls)}</span>}
    </span>
  );
}

/** Arrow keys go to the nearest service in that direction. */
function moveFocus(event: KeyboardEvent, layout: GraphLayout, at: number): void {
  const directions: Readonly<Record<string, readonly [number, number]>> = {
    ArrowRight: [1, 0],
    ArrowLeft: [-1, 0],
    ArrowDown: [0, 1],
    ArrowUp: [0, -1],
  };
  const direction = directions[event.key];
  if (direction === undefined || !(event.currentTarget instanceof HTMLElement)) return;
  event.preventDefault();
  event.stopPropagation();
  let best = -1;
  let bestCost = Infinity;
  for (const [other, { x, y }] of layout.nodes.entries()) {
    const [dx, dy] = [x - layout.nodes[at].x, y - layout.nodes[at].y];
    const along = dx * direction[0] + dy * direction[1];
    const across = Math.abs(dx * direction[1]) + Math.abs(dy * direction[0]);
    if (along > 1 && along + across * 2 < bestCost) {
      best = other;
      bestCost = along + across * 2;
    }
  }
  const buttons = event.currentTarget.parentElement?.querySelectorAll('button');
  buttons?.[best]?.focus();
}

const MAX_LISTED = 200;

function EdgeTable(props: {
  graph: ServiceGraph;
  selected: string | undefined;
  onService: (name: string) => void;
}): JSX.Element {
  const { graph, selected } = props;
  const edges = graph.edges
    .filter(({ from, to }) => selected === undefined || from === selected || to === selected)
    .toSorted((a, b) => b.calls - a.calls);
  return (
    <table class={css.table}>
      <thead>
        <tr>
          <th>{t.mapPage.callsBetween}</th>
          <th class={css.number}>{t.mapPage.callsColumn}</th>
          <th class={css.number}>{t.mapPage.errorsColumn}</th>
          <th class={css.number}>{t.mapPage.meanColumn}</th>
        </tr>
      </thead>
      <tbody>
        {edges.slice(0, MAX_LISTED).map((edge) => (
          <tr key={`${edge.from}\0${edge.to}`}>
            <td>
              <span class={css.pair}>
                <ServiceButton name={edge.from} onService={props.onService} />
                <span class={css.arrowText} aria-hidden="true">
                  →
                </span>
                <ServiceButton name={edge.to} onService={props.onService} />
              </span>
            </td>
            <td class={css.number}>{countText(edge.calls)}</td>
            <td class={css.number} data-error={edge.errors > 0 ? '' : undefined}>
              {countText(edge.errors)}
            </td>
            <td class={css.number}>{durationText(edge.meanUs)}</td>
          </tr>
        ))}
        {edges.length > MAX_LISTED && (
          <tr>
            <td colSpan={4}>{t.tools.more(edges.length - MAX_LISTED)}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

function ServiceButton({ name, onService }: { name: string; onService: (name: string) => void }): JSX.Element {
  return (
    <button type="button" class={css.service} onClick={() => onService(name)}>
      <bdi>{name === '' ? t.unnamed : name}</bdi>
    </button>
  );
}
