import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { mainRoot } from '../../model/critical-path.ts';
import { agoText, clockText, dateText, durationText, exactDurationText } from '../../model/duration-text.ts';
import { Flag } from '../../model/span-table.ts';
import { hrefOf } from '../app/location.ts';
import { announce } from '../app/announce.ts';
import { Button } from '../ui/button.tsx';
import { copyText, saveText } from '../ui/copy.ts';
import { Icon, type IconName } from '../ui/icons.tsx';
import { Popover } from '../ui/popover.tsx';
import { t } from '../texts.ts';
import type { TraceView } from './view.ts';
import css from './header.module.css';

/** What the trace is, in two lines, and what is known to be wrong with it. */
export function TraceHeader({ view, isGrowing, onRefresh }: HeaderProps): JSX.Element {
  const trace = view.trace.value;
  const root = mainRoot(trace);
  const resource = root < 0 || trace.row[root] < 0 ? t.waterfall.missing : view.text(trace.resource[root]);
  const name = root < 0 ? '' : view.text(trace.name[root]);
  const service = root < 0 ? '' : view.text(trace.service[root]);
  const startUnixUs = trace.startUnixUs + trace.startUs;
  const durationUs = trace.endUs - trace.startUs;
  const copied = useSignal(false);
  const copyId = (): void => {
    void copyText(trace.traceId).then(() => {
      copied.value = true;
      setTimeout(() => (copied.value = false), 1500);
    });
  };
  return (
    <header class={css.header}>
      <div class={css.line}>
        <h1 class={css.title}>
          {service !== '' && <span class={css.service}>{service}</span>}
          <bdi>{resource}</bdi>
          {name !== resource && name !== '' && <bdi class={css.operation}>{name}</bdi>}
        </h1>
        <button type="button" class={css.id} onClick={copyId} title={t.panel.copyValue(t.shell.goToPlaceholder)}>
          <code>{trace.traceId}</code>
          <Icon name={copied.value ? 'check' : 'copy'} size={13} />
        </button>
        <span class={css.actions} role="group" aria-label={t.trace.actions}>
          {view.source.isStored && (
            <Button kind="quiet" icon="refresh" label={t.trace.refresh} pressed={isGrowing} onClick={onRefresh} />
          )}
          {view.source.isStored && (
            <a class={css.action} href={hrefOf('compare', { a: trace.traceId })} title={t.trace.compareWith}>
              <Icon name="compare" size={14} />
              <span class="visually-hidden">{t.trace.compareWith}</span>
            </a>
          )}
          <SaveMenu view={view} />
          {view.source.isStored && (
            <Button kind="quiet" icon="link" label={t.trace.copyLink} onClick={() => void copyText(location.href)} />
          )}
        </span>
      </div>
      <dl class={css.facts}>
        <Fact label={t.trace.duration} title={exactDurationText(durationUs)} strong>
          {durationText(durationUs)}
        </Fact>
        <Fact>{t.spans(trace.spans)}</Fact>
        <Fact>{t.services(trace.services.length)}</Fact>
        {trace.errors > 0 ? (
          <Fact tone="error" icon="error">
            {t.errors(trace.errors)}
          </Fact>
        ) : (
          <Fact>{t.errors(0)}</Fact>
        )}
        <Fact label={t.trace.started} title={new Date(startUnixUs / 1000).toISOString()}>
          {dateText(startUnixUs)}, {clockText(startUnixUs)}
          <span class={css.ago}>{agoText(startUnixUs, Date.now() * 1000)}</span>
        </Fact>
        <Fact>{view.source.isStored ? t.trace.kept(trace.kept) : t.trace.file}</Fact>
      </dl>
      <Notices view={view} isGrowing={isGrowing} />
    </header>
  );
}

interface HeaderProps {
  readonly view: TraceView;
  /** Whether the page looks for new spans by itself. */
  readonly isGrowing: boolean;
  readonly onRefresh: () => void;
}

function SaveMenu({ view }: { view: TraceView }): JSX.Element {
  const open = useSignal(false);
  const save = (format: keyof typeof t.trace.formats): void => {
    open.value = false;
    const name = `${view.trace.value.traceId}.${format}.json`;
    view.source.encode(format).then(
      (text) => saveText(name, text),
      (error: unknown) => announce(error instanceof Error ? error.message : String(error)),
    );
  };
  return (
    <Popover label={t.trace.save} icon="download" kind="quiet" align="right" open={open} face="">
      {() =>
        Object.entries(t.trace.formats).map(([format, label]) => (
          <button
            key={format}
            type="button"
            class={css.choice}
            onClick={() => save(format as keyof typeof t.trace.formats)}
          >
            {label}
          </button>
        ))
      }
    </Popover>
  );
}

function Fact(props: {
  label?: string;
  title?: string;
  strong?: boolean;
  tone?: 'error';
  icon?: IconName;
  children: preact.ComponentChildren;
}): JSX.Element {
  return (
    <div
      class={css.fact}
      data-tone={props.tone}
      data-strong={props.strong === true ? '' : undefined}
      title={props.title}
    >
      <dt class={props.label === undefined ? 'visually-hidden' : css.label}>{props.label ?? t.trace.title}</dt>
      <dd class={css.value}>
        {props.icon !== undefined && <Icon name={props.icon} size={13} />}
        {props.children}
      </dd>
    </div>
  );
}

/** Gaps, missing parents, circles and clocks, said plainly. */
function Notices({ view, isGrowing }: { view: TraceView; isGrowing: boolean }): JSX.Element | null {
  const trace = view.trace.value;
  const { gaps, missingParents, cycles, skew } = trace;
  const notices: JSX.Element[] = [];
  const firstWith = (flag: number): number => trace.flags.findIndex((flags) => (flags & flag) !== 0);
  const show = (flag: number): JSX.Element => (
    <button type="button" class={css.show} onClick={() => view.select(firstWith(flag))}>
      {t.trace.showFirst}
    </button>
  );
  if (gaps.length > 0)
    notices.push(
      <li key="gaps">
        <Icon name="warn" size={14} />
        <span>
          <strong>{t.trace.gaps(gaps.length)}.</strong>{' '}
          {gaps
            .slice(0, 3)
            .map(({ nodeId, reason }) => t.trace.gap(nodeId, reason))
            .join('. ')}
          {gaps.length > 3 && ` ${t.tools.more(gaps.length - 3)}`}
        </span>
      </li>,
    );
  if (missingParents > 0)
    notices.push(
      <li key="missing">
        <Icon name="warn" size={14} />
        <span>{t.trace.missingParents(missingParents)}</span>
        {show(Flag.missing)}
      </li>,
    );
  if (cycles > 0)
    notices.push(
      <li key="cycles">
        <Icon name="warn" size={14} />
        <span>{t.trace.cycles(cycles)}</span>
        {show(Flag.cycle)}
      </li>,
    );
  if (skew.processes.length > 0)
    notices.push(
      <li key="skew" data-tone="info">
        <Icon name="clock" size={14} />
        <span>
          {t.trace.skew(skew.processes.length)}:{' '}
          {skew.processes
            .slice(0, 3)
            .map(({ label, deltaUs }) => t.tools.skewDelta(label, deltaUs))
            .join(', ')}
          {skew.processes.length > 3 && ` ${t.tools.more(skew.processes.length - 3)}`}
        </span>
      </li>,
    );
  if (isGrowing)
    notices.push(
      <li key="growing" data-tone="info">
        <Icon name="refresh" size={14} />
        <span>{t.trace.growing}</span>
      </li>,
    );
  return notices.length === 0 ? null : <ul class={css.notices}>{notices}</ul>;
}
