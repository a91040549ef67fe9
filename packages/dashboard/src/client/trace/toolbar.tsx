import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { durationText } from '../../model/duration-text.ts';
import { assignColors } from '../../model/service-colors.ts';
import { Button, Pill } from '../ui/button.tsx';
import { Icon, type IconName } from '../ui/icons.tsx';
import { Check, Popover } from '../ui/popover.tsx';
import { t } from '../texts.ts';
import { TABS, type Tab, type TraceView } from './view.ts';
import { serviceColor } from './waterfall.tsx';
import css from './toolbar.module.css';

const TAB_ICONS: Readonly<Record<Tab, IconName>> = {
  waterfall: 'tree',
  flame: 'flame',
  spans: 'table',
  map: 'map',
  logs: 'logs',
};

export interface ToolbarActions {
  readonly step: (what: 'match' | 'error', by: 1 | -1) => void;
  readonly toggleSkew: () => void;
}

/** Tabs, search, filters and view options: one line above the spans. */
export function Toolbar({ view, actions }: { view: TraceView; actions: ToolbarActions }): JSX.Element {
  const trace = view.trace.value;
  const isFiltered = view.lit.value !== undefined;
  const focus = view.focus.value;
  return (
    <div class={css.toolbar}>
      <Tabs view={view} />
      <Find view={view} actions={actions} />
      <div class={css.pills} role="group" aria-label={t.searchPage.filters}>
        <Pill
          icon="error"
          tone="error"
          pressed={view.onlyErrors.value}
          disabled={trace.errors === 0 && !view.onlyErrors.value}
          count={String(trace.errors)}
          onClick={() => (view.onlyErrors.value = !view.onlyErrors.value)}
        >
          {t.tools.errors}
        </Pill>
        <Pill pressed={view.onlyPath.value} onClick={() => (view.onlyPath.value = !view.onlyPath.value)}>
          {t.tools.path}
        </Pill>
        <Pill
          pressed={view.onlySlow.value}
          title={t.tools.slowTitle(view.opened.value.slowUs)}
          onClick={() => (view.onlySlow.value = !view.onlySlow.value)}
        >
          {t.tools.slow}
        </Pill>
        <ServiceFilter view={view} />
        {isFiltered && (
          <>
            <Button
              kind="quiet"
              title={`${view.hide.value ? t.tools.dim : t.tools.hide} (h)`}
              onClick={() => (view.hide.value = !view.hide.value)}
            >
              {view.hide.value ? t.tools.dim : t.tools.hide}
            </Button>
            <span class={css.shown}>{t.tools.onlyShown(view.litCount.value, trace.spans)}</span>
          </>
        )}
        {focus !== undefined && (
          <button type="button" class={css.focus} onClick={() => view.setFocus(undefined)} title={t.tools.unfocus}>
            <Icon name="focus" size={13} />
            <bdi>{t.tools.focused(view.text(trace.resource[focus]) || t.waterfall.missing)}</bdi>
            <Icon name="close" size={12} />
          </button>
        )}
        {view.isZoomed && (
          <Button kind="quiet" icon="zoomOut" title={`${t.tools.zoomReset} (0)`} onClick={() => view.resetZoom()}>
            {durationText(view.scale.value.time(view.zoom.value.to) - view.scale.value.time(view.zoom.value.from))}
          </Button>
        )}
      </div>
      <div class={css.end}>
        <ViewOptions view={view} actions={actions} />
        <Button
          kind="quiet"
          icon="panel"
          label={t.panel.label}
          pressed={view.panelOpen.value}
          onClick={() => (view.panelOpen.value = !view.panelOpen.value)}
        />
      </div>
    </div>
  );
}

function Tabs({ view }: { view: TraceView }): JSX.Element {
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    event.stopPropagation();
    view.tab.value = TABS[(TABS.indexOf(view.tab.value) + by + TABS.length) % TABS.length];
    const list = event.currentTarget;
    requestAnimationFrame(() => {
      if (list instanceof HTMLElement) list.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
    });
  };
  return (
    <div class={css.tabs} role="tablist" aria-label={t.trace.tabList} onKeyDown={onKeyDown}>
      {TABS.map((tab) => (
        <button
          key={tab}
          type="button"
          role="tab"
          id={`tab-${tab}`}
          class={css.tab}
          aria-selected={view.tab.value === tab}
          aria-controls="trace-view"
          tabIndex={view.tab.value === tab ? 0 : -1}
          onClick={() => (view.tab.value = tab)}
        >
          <Icon name={TAB_ICONS[tab]} size={14} />
          {t.trace.tabs[tab]}
        </button>
      ))}
    </div>
  );
}

function Find({ view, actions }: { view: TraceView; actions: ToolbarActions }): JSX.Element {
  const found = view.foundNodes.value;
  const isSearching = view.found.value !== undefined;
  const at = found.indexOf(view.selected.value) + 1;
  return (
    <div class={css.find} role="search">
      <Icon name="search" size={14} />
      <input
        id="find"
        type="search"
        class={css.findField}
        aria-label={t.tools.find}
        aria-describedby="find-help"
        placeholder={t.tools.findPlaceholder}
        title={t.tools.findHelp}
        spellcheck={false}
        autocomplete="off"
        value={view.query.value}
        onInput={(event) => (view.query.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            event.preventDefault();
            actions.step('match', event.shiftKey ? -1 : 1);
          } else if (event.key === 'Escape') {
            event.preventDefault();
            if (view.query.value !== '') view.query.value = '';
            else event.currentTarget.blur();
          }
        }}
      />
      <span id="find-help" class="visually-hidden">
        {t.tools.findHelp}
      </span>
      {isSearching && (
        <>
          <span class={css.matches} aria-label={t.tools.found(found.length)}>
            {t.tools.matches(at, found.length)}
          </span>
          <button
            type="button"
            class={css.step}
            aria-label={t.tools.previous}
            title={`${t.tools.previous} (N)`}
            onClick={() => actions.step('match', -1)}
          >
            <Icon name="chevronUp" size={12} />
          </button>
          <button
            type="button"
            class={css.step}
            aria-label={t.tools.next}
            title={`${t.tools.next} (n)`}
            onClick={() => actions.step('match', 1)}
          >
            <Icon name="chevronDown" size={12} />
          </button>
        </>
      )}
    </div>
  );
}

/** More are found by typing a part of their name: a trace may have thousands. */
const MAX_LISTED = 50;

function ServiceFilter({ view }: { view: TraceView }): JSX.Element | null {
  const trace = view.trace.value;
  const filter = useSignal('');
  const chosen = view.onlyServices.value;
  if (trace.services.length < 2) return null;
  const colors = assignColors(trace.services.map(({ name }) => name));
  const part = filter.value.toLowerCase();
  const matching = trace.services.filter(({ name }) => name.toLowerCase().includes(part));
  const toggle = (service: number, isOn: boolean): void => {
    view.onlyServices.value = isOn ? [...chosen, service] : chosen.filter((at) => at !== service);
  };
  return (
    <Popover
      label={t.tools.services}
      kind="quiet"
      isOn={chosen.length > 0}
      face={
        <>
          {t.tools.services}
          <span class={css.muted}>
            {chosen.length > 0 ? `${chosen.length} / ${trace.services.length}` : trace.services.length}
          </span>
          <Icon name="chevronDown" size={12} />
        </>
      }
    >
      {() => (
        <>
          {trace.services.length > 8 && (
            <input
              class={css.panelField}
              type="search"
              aria-label={t.tools.filterServices}
              placeholder={t.tools.filterServices}
              value={filter.value}
              onInput={(event) => (filter.value = event.currentTarget.value)}
            />
          )}
          {matching.slice(0, MAX_LISTED).map(({ service, name, spans, errors, selfUs }) => (
            <Check key={service} checked={chosen.includes(service)} onChange={(isOn) => toggle(service, isOn)}>
              <span class={css.service}>
                <i class={css.dot} style={{ background: serviceColor(name, colors) }} />
                <bdi>{name}</bdi>
                <span class={css.muted}>
                  {t.spans(spans)} · {durationText(selfUs)}
                  {errors > 0 && ` · ${t.errors(errors)}`}
                </span>
              </span>
            </Check>
          ))}
          {matching.length > MAX_LISTED && <p class={css.panelNote}>{t.tools.more(matching.length - MAX_LISTED)}</p>}
          {matching.length === 0 && <p class={css.panelNote}>{t.tools.noServices}</p>}
        </>
      )}
    </Popover>
  );
}

function ViewOptions({ view, actions }: { view: TraceView; actions: ToolbarActions }): JSX.Element {
  const { skew } = view.trace.value;
  const { quiet } = view.opened.value;
  return (
    <Popover
      label={t.tools.view}
      align="right"
      kind="quiet"
      face={
        <>
          {t.tools.view}
          <Icon name="chevronDown" size={12} />
        </>
      }
    >
      {() => (
        <>
          <Check shortcut="c" checked={view.showPath.value} onChange={(on) => (view.showPath.value = on)}>
            {t.tools.showPath}
          </Check>
          <Check shortcut="r" checked={view.groupRepeats.value} onChange={(on) => (view.groupRepeats.value = on)}>
            {t.tools.group}
          </Check>
          <Check
            shortcut="z"
            checked={view.squeeze.value}
            disabled={quiet.length === 0}
            {...(quiet.length === 0 ? { note: t.tools.noSqueeze } : {})}
            onChange={(on) => {
              view.squeeze.value = on;
              view.resetZoom();
            }}
          >
            {t.tools.squeeze}
          </Check>
          <Check
            shortcut="K"
            checked={skew.applied}
            disabled={skew.processes.length === 0}
            note={
              skew.processes.length === 0
                ? t.tools.skewNone
                : skew.processes
                    .slice(0, 5)
                    .map(({ label, deltaUs }) => t.tools.skewDelta(label, deltaUs))
                    .join(', ')
            }
            onChange={actions.toggleSkew}
          >
            {t.tools.skew}
          </Check>
          <Check shortcut="h" checked={view.hide.value} onChange={(on) => (view.hide.value = on)}>
            {t.tools.hide}
          </Check>
          <div class={css.levels}>
            <span>{t.tools.levels}</span>
            <Button
              kind="quiet"
              title={`${t.keys.lessLevels} ([)`}
              label={t.keys.lessLevels}
              icon="chevronLeft"
              onClick={() => view.stepLevel(-1)}
            />
            <Button
              kind="quiet"
              title={`${t.keys.moreLevels} (])`}
              label={t.keys.moreLevels}
              icon="chevronRight"
              onClick={() => view.stepLevel(1)}
            />
            <Button kind="quiet" onClick={() => view.showLevels(1)}>
              {t.tools.collapseAll}
            </Button>
            <Button kind="quiet" onClick={() => view.showLevels(Infinity)}>
              {t.tools.expandAll}
            </Button>
          </div>
        </>
      )}
    </Popover>
  );
}
