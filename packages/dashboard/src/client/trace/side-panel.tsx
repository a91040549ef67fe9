import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ComponentChildren, JSX } from 'preact';
import type { SpanJson } from '@forge/query';
import { clockText, durationText, exactDurationText, percentText } from '../../model/duration-text.ts';
import { Flag, KIND_NAMES, STATUS_ERROR } from '../../model/span-table.ts';
import { hrefOf } from '../app/location.ts';
import { Button } from '../ui/button.tsx';
import { copyText } from '../ui/copy.ts';
import { Icon } from '../ui/icons.tsx';
import { Resizer } from '../ui/resizer.tsx';
import { Failure } from '../ui/states.tsx';
import { t } from '../texts.ts';
import { LogLevel } from './log-level.tsx';
import { TagTable } from './tag-table.tsx';
import type { TraceView } from './view.ts';
import css from './side-panel.module.css';

type Details = { readonly span: SpanJson } | { readonly error: unknown } | undefined;

const WIDTH_KEY = 'forge-panel-width';

/** Everything about the selected span. */
export function SidePanel({ view }: { view: TraceView }): JSX.Element {
  const width = useSignal(storedWidth());
  const node = view.selected.value;
  return (
    <aside class={css.panel} aria-label={t.panel.label} style={{ width: `${width.value}px` }}>
      <Resizer
        label={t.panel.resize}
        value={width}
        min={280}
        max={900}
        side="right"
        onDone={(value) => localStorage.setItem(WIDTH_KEY, String(value))}
      />
      {node < 0 ? <p class={css.none}>{t.panel.none}</p> : <SpanDetails key={node} view={view} node={node} />}
    </aside>
  );
}

function storedWidth(): number {
  const stored = Number(localStorage.getItem(WIDTH_KEY));
  return stored >= 280 && stored <= 900 ? stored : Math.round(Math.min(440, Math.max(320, innerWidth * 0.27)));
}

function SpanDetails({ view, node }: { view: TraceView; node: number }): JSX.Element {
  const trace = view.trace.value;
  const isMissing = (trace.flags[node] & Flag.missing) !== 0;
  const details = useSignal<Details>(undefined);
  const attempt = useSignal(0);
  const spanId = view.spanIdOf(node) ?? '';
  useEffect(() => {
    if (isMissing) return undefined;
    const abort = new AbortController();
    // Walking through spans asks for none of those that are passed.
    const timer = setTimeout(() => {
      view.source.span(trace.row[node], spanId, abort.signal).then(
        (span) => void (abort.signal.aborted || (details.value = { span })),
        (error: unknown) => void (abort.signal.aborted || (details.value = { error })),
      );
    }, 60);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [view, spanId, attempt.value]);
  const resource = isMissing ? t.waterfall.missing : view.text(trace.resource[node]);
  return (
    <div class={css.content}>
      <div class={css.head}>
        <h2 class={css.title}>
          {trace.status[node] === STATUS_ERROR && (
            <span class={css.error}>
              <Icon name="error" size={15} />
              <span class="visually-hidden">{t.list.error}</span>
            </span>
          )}
          <bdi>{resource}</bdi>
        </h2>
        <Button
          kind="quiet"
          icon="close"
          label={t.panel.close}
          shortcut="Escape"
          onClick={() => (view.panelOpen.value = false)}
        />
      </div>
      <Facts view={view} node={node} isMissing={isMissing} spanId={spanId} details={details} />
      {isMissing ? (
        <p class={css.note}>{t.panel.missing}</p>
      ) : details.value === undefined ? (
        <p class={css.loading} role="status">
          {t.panel.loading}
        </p>
      ) : 'error' in details.value ? (
        <Failure
          error={details.value.error}
          onRetry={() => {
            details.value = undefined;
            attempt.value++;
          }}
        />
      ) : (
        <Loaded view={view} node={node} span={details.value.span} />
      )}
    </div>
  );
}

function Facts(props: {
  view: TraceView;
  node: number;
  isMissing: boolean;
  spanId: string;
  details: Signal<Details>;
}): JSX.Element {
  const { view, node, isMissing, spanId } = props;
  const trace = view.trace.value;
  const path = view.path.value;
  const total = trace.endUs - trace.startUs;
  const root = path.root;
  const rootUs = root < 0 ? 0 : trace.duration[root];
  const parent = trace.parent[node];
  const delta = trace.skew.deltaUs[node] ?? 0;
  const ownUs = path.ownUs[node];
  const loaded =
    props.details.value !== undefined && 'span' in props.details.value ? props.details.value.span : undefined;
  return (
    <dl class={css.facts}>
      {!isMissing && (
        <Fact name={t.panel.service}>
          <bdi>{view.text(trace.service[node])}</bdi>
        </Fact>
      )}
      {!isMissing && (
        <Fact name={t.panel.operation}>
          <bdi>{view.text(trace.name[node])}</bdi>
        </Fact>
      )}
      <Fact name={t.panel.start}>
        <span title={exactDurationText(trace.start[node] - trace.startUs)}>
          {durationText(trace.start[node] - trace.startUs)}
        </span>
        <span class={css.muted}>{clockText(trace.startUnixUs + trace.start[node], 6)}</span>
      </Fact>
      <Fact name={t.panel.duration}>
        <span title={exactDurationText(trace.duration[node])}>
          {(trace.flags[node] & Flag.open) === 0 ? durationText(trace.duration[node]) : t.waterfall.open}
        </span>
        <span class={css.muted}>
          {percentText(total === 0 ? 0 : trace.duration[node] / total)} {t.waterfall.share}
        </span>
      </Fact>
      {!isMissing && (
        <Fact name={t.panel.self}>
          <span title={exactDurationText(trace.self[node])}>{durationText(trace.self[node])}</span>
          <Share share={trace.duration[node] === 0 ? 0 : trace.self[node] / trace.duration[node]} />
        </Fact>
      )}
      <Fact name={t.panel.onPath}>
        {path.onPath[node] === 1 ? (
          <>
            <span title={exactDurationText(ownUs)}>{durationText(ownUs)}</span>
            <span class={css.muted}>{percentText(rootUs === 0 ? 0 : ownUs / rootUs)}</span>
          </>
        ) : (
          <span class={css.muted}>{t.panel.notOnPath}</span>
        )}
      </Fact>
      {!isMissing && <Fact name={t.panel.kind}>{KIND_NAMES[trace.kind[node]]}</Fact>}
      {loaded !== undefined && loaded.node_id !== null && (
        <Fact name={t.panel.node}>
          <code>{loaded.node_id}</code>
        </Fact>
      )}
      {delta !== 0 && <Fact name={t.panel.clock}>{t.panel.clockOff(delta)}</Fact>}
      {loaded !== undefined && loaded.weight !== 1 && (
        <Fact name={t.panel.weight}>{t.spans(Math.round(loaded.weight))}</Fact>
      )}
      {parent >= 0 && (
        <Fact name={t.panel.parent}>
          <button type="button" class={css.jump} onClick={() => view.select(parent)}>
            <bdi>{trace.row[parent] < 0 ? t.waterfall.missing : view.text(trace.resource[parent])}</bdi>
          </button>
        </Fact>
      )}
      <Fact name={t.panel.spanId}>
        <code>{spanId}</code>
        <Copy text={spanId} label={t.panel.copyValue(t.panel.spanId)} />
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class={css.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Share({ share }: { share: number }): JSX.Element {
  return (
    <>
      <span class={css.share} aria-hidden="true">
        <i style={{ width: `${Math.round(share * 100)}%` }} />
      </span>
      <span class={css.muted}>{percentText(share)}</span>
    </>
  );
}

function Copy({ text, label }: { text: string; label: string }): JSX.Element {
  return (
    <button type="button" class={css.copy} aria-label={label} title={label} onClick={() => void copyText(text)}>
      <Icon name="copy" size={12} />
    </button>
  );
}

function Loaded({ view, node, span }: { view: TraceView; node: number; span: SpanJson }): JSX.Element {
  const trace = view.trace.value;
  return (
    <>
      {span.status_message !== null && span.status_message !== '' && (
        <p class={css.message} data-error={span.status === 'error' ? '' : undefined}>
          {span.status_message}
        </p>
      )}
      {(trace.flags[node] & Flag.dropped) !== 0 && <p class={css.note}>{t.panel.dropped}</p>}
      <Section title={t.panel.tags} count={Object.keys(span.tags).length} isOpen>
        <TagTable tags={span.tags} empty={t.panel.noTags} searchable={view.source.isStored} />
      </Section>
      {span.logs.length > 0 && (
        <Section title={t.panel.logs} count={span.logs.length} isOpen>
          <Logs span={span} />
        </Section>
      )}
      <Links view={view} node={node} span={span} />
      {(Object.keys(span.process).length > 0 || span.scope.name !== '') && (
        <Section title={t.panel.process} count={Object.keys(span.process).length}>
          <TagTable
            tags={{
              ...span.process,
              ...(span.scope.name === ''
                ? {}
                : { [t.panel.scope]: [span.scope.name, span.scope.version].filter(Boolean).join(' ') }),
            }}
            empty={t.panel.noTags}
            searchable={false}
          />
        </Section>
      )}
      <Section title={t.panel.json}>
        <div class={css.json}>
          <Copy text={JSON.stringify(span, undefined, 2)} label={t.panel.copyValue('JSON')} />
          <pre tabIndex={0}>{cut(JSON.stringify(span, undefined, 2))}</pre>
        </div>
      </Section>
    </>
  );
}

/** Browsers lay out megabytes of text badly; copying gives all of it. */
const MAX_JSON = 20_000;

function cut(text: string): string {
  return text.length <= MAX_JSON ? text : `${text.slice(0, MAX_JSON)}…`;
}

function Section(props: { title: string; count?: number; isOpen?: boolean; children: ComponentChildren }): JSX.Element {
  const isOpen = useSignal(props.isOpen ?? false);
  return (
    <section class={css.section}>
      <h3>
        <button
          type="button"
          class={css.sectionHead}
          aria-expanded={isOpen.value}
          onClick={() => (isOpen.value = !isOpen.value)}
        >
          <Icon name={isOpen.value ? 'chevronDown' : 'chevronRight'} size={12} />
          {props.title}
          {props.count !== undefined && <span class={css.muted}>{props.count}</span>}
        </button>
      </h3>
      {isOpen.value && props.children}
    </section>
  );
}

const MAX_LOGS = 100;

function Logs({ span }: { span: SpanJson }): JSX.Element {
  const all = useSignal(false);
  const shown = all.value ? span.logs : span.logs.slice(0, MAX_LOGS);
  return (
    <ol class={css.logs}>
      {shown.map((log, at) => {
        const { level, severity_text: severity, message, 'exception.message': exception, ...rest } = log.attributes;
        const text = message ?? exception ?? log.name;
        return (
          <li key={at} class={css.log}>
            <div class={css.logHead}>
              <span class={css.muted} title={log.time}>
                +{durationText(log.time_us - span.start_us)}
              </span>
              <LogLevel
                level={textOf(level ?? severity ?? (log.name === 'exception' ? 'exception' : log.name)).toLowerCase()}
              />
            </div>
            <p class={css.logText}>{textOf(text)}</p>
            {Object.keys(rest).length > 0 && <TagTable tags={rest} empty="" searchable={false} compact />}
          </li>
        );
      })}
      {!all.value && span.logs.length > MAX_LOGS && (
        <li>
          <Button kind="quiet" onClick={() => (all.value = true)}>
            {t.tools.more(span.logs.length - MAX_LOGS)}
          </Button>
        </li>
      )}
    </ol>
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

interface LinkedFrom {
  readonly trace_id: string;
  readonly span_id: string;
}

/** Links of the span to others, and of others to it where the API knows them. */
function Links({ view, node, span }: { view: TraceView; node: number; span: SpanJson }): JSX.Element | null {
  const from = (span as { linked_from?: readonly LinkedFrom[] }).linked_from ?? [];
  if (span.links.length === 0 && from.length === 0) return null;
  const row = (link: LinkedFrom, key: string): JSX.Element => {
    const target = link.trace_id === view.trace.value.traceId ? view.nodeOfSpanId(link.span_id) : -1;
    return (
      <li key={key} class={css.link}>
        <Icon name="link" size={13} />
        {target >= 0 && target !== node ? (
          <button type="button" class={css.jump} onClick={() => view.select(target)}>
            <bdi>{view.text(view.trace.value.resource[target])}</bdi> <span class={css.muted}>{t.panel.thisTrace}</span>
          </button>
        ) : (
          <a href={hrefOf(`traces/${link.trace_id}`, { span: link.span_id })}>
            <code>{link.trace_id}</code>
          </a>
        )}
      </li>
    );
  };
  return (
    <Section title={t.panel.links} count={span.links.length + from.length} isOpen>
      <ul class={css.links}>{span.links.map((link, at) => row(link, `to${at}`))}</ul>
      {from.length > 0 && <h4 class={css.subhead}>{t.panel.linkedFrom}</h4>}
      <ul class={css.links}>{from.map((link, at) => row(link, `from${at}`))}</ul>
    </Section>
  );
}
