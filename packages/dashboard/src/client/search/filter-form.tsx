import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { dateText, clockText } from '../../model/duration-text.ts';
import { go, hrefWith } from '../app/location.ts';
import { Button } from '../ui/button.tsx';
import { Field, Input, Select, Suggestions } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { KEPT_SHORT, t } from '../texts.ts';
import { DEFAULT_RANGE, isFiltered, RANGES, tagsOf } from './filters.ts';
import { useNames } from './names.ts';
import css from './filter-form.module.css';

/** The search's filters. The address is the truth: submitting writes it, and the page follows. */
export function FilterForm({
  params,
  wrong,
}: {
  params: URLSearchParams;
  wrong: ReadonlyMap<string, string>;
}): JSX.Element {
  const service = useSignal(params.get('service') ?? '');
  const services = useNames<{ services: string[] }>('/services', {}, (answer) => answer.services);
  const operations = useNames<{ operations: { operation_name: string; resource: string }[] }>(
    '/operations',
    service.value !== '' && services.value.includes(service.value) ? { service: service.value } : {},
    (answer) => [...new Set(answer.operations.flatMap((one) => [one.resource, one.operation_name]))],
  );
  const value = (name: string): string => params.get(name) ?? '';
  const start = params.get('start');
  const end = params.get('end');
  const isCustom = start !== null && end !== null;
  const range = isCustom ? 'custom' : (params.get('range') ?? DEFAULT_RANGE);
  const ranges: [string, string][] = RANGES.map((name) => [name, t.searchPage.ranges[name]]);
  if (isCustom) ranges.push(['custom', t.searchPage.customRange(timeText(start), timeText(end))]);

  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const next = new URLSearchParams();
    for (const [name, text] of new FormData(event.currentTarget as HTMLFormElement)) {
      if (typeof text !== 'string' || text.trim() === '' || name === 'new-tag') continue;
      if (name === 'range') {
        if (text === 'custom') {
          next.set('start', start!);
          next.set('end', end!);
        } else if (text !== DEFAULT_RANGE) next.set('range', text);
      } else next.set(name, text.trim());
    }
    for (const tag of tagsOf(params)) addTag(next, tag);
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem('new-tag');
    if (field instanceof HTMLInputElement && addTag(next, field.value)) field.value = '';
    const sort = params.get('sort');
    if (sort !== null) next.set('sort', sort);
    if (params.get('live') !== null) next.set('live', '1');
    go(hrefWith('search', next));
  };
  const without = (tag: string): string => {
    const next = new URLSearchParams(params);
    next.delete(`tag.${tag.slice(0, tag.indexOf('='))}`);
    next.delete('cursor');
    return hrefWith('search', next);
  };
  return (
    <form class={css.form} onSubmit={onSubmit} aria-label={t.searchPage.filters} key={params.toString()}>
      <Field label={t.searchPage.service} error={wrong.get('service')}>
        <Input
          id="search-service"
          name="service"
          value={service.value}
          placeholder={t.searchPage.anyService}
          list="services"
          onInput={(text) => (service.value = text)}
        />
      </Field>
      <Suggestions id="services" values={services.value} />
      <Field label={t.searchPage.operation} error={wrong.get('operation')}>
        <Input
          name="operation"
          value={value('operation')}
          placeholder={t.searchPage.operationPlaceholder}
          list="operations"
        />
      </Field>
      <Suggestions id="operations" values={operations.value} />
      <div class={css.pair}>
        <Field label={t.searchPage.minDuration} error={wrong.get('min_duration')}>
          <Input
            name="min_duration"
            value={value('min_duration')}
            placeholder={t.searchPage.durationPlaceholder}
            isWrong={wrong.has('min_duration')}
          />
        </Field>
        <Field label={t.searchPage.maxDuration} error={wrong.get('max_duration')}>
          <Input
            name="max_duration"
            value={value('max_duration')}
            placeholder="5s"
            isWrong={wrong.has('max_duration')}
          />
        </Field>
      </div>
      <div class={css.pair}>
        <Field label={t.searchPage.status}>
          <Select
            name="status"
            value={value('status')}
            options={[
              ['', t.searchPage.anyStatus],
              ['error', t.searchPage.statusError],
              ['ok', t.searchPage.statusOk],
            ]}
          />
        </Field>
        <Field label={t.searchPage.kept}>
          <Select
            name="kept"
            value={value('kept')}
            options={[['', t.searchPage.anyKept], ...Object.entries(KEPT_SHORT)]}
          />
        </Field>
      </div>
      <Field label={t.searchPage.text} error={wrong.get('text')}>
        <Input name="text" value={value('text')} placeholder={t.searchPage.textPlaceholder} />
      </Field>
      <Tags params={params} service={service.value} without={without} />
      <Field label={t.searchPage.range} error={wrong.get('start') ?? wrong.get('end')}>
        <Select name="range" value={range} options={ranges} />
      </Field>
      <div class={css.actions}>
        <Button kind="primary" type="submit">
          {t.searchPage.apply}
        </Button>
        {(isFiltered(params) || isCustom) && (
          <a class={css.reset} href={hrefWith('search', new URLSearchParams())}>
            {t.searchPage.reset}
          </a>
        )}
      </div>
    </form>
  );
}

function Tags(props: { params: URLSearchParams; service: string; without: (tag: string) => string }): JSX.Element {
  const draft = useSignal('');
  const isWrong = draft.value !== '' && !draft.value.includes('=') && draft.value.includes(' ');
  const keys = useNames<{ keys: string[] }>('/tags', {}, (answer) => answer.keys);
  const key = draft.value.includes('=') ? draft.value.slice(0, draft.value.indexOf('=')) : undefined;
  const values = useNames<{ values: string[] }>(
    key === undefined ? '/tags' : `/tags/${encodeURIComponent(key)}`,
    {},
    (answer) => answer.values ?? [],
  );
  const suggestions =
    key === undefined ? keys.value.map((name) => `${name}=`) : values.value.map((value) => `${key}=${value}`);
  return (
    <div class={css.tags}>
      <Field label={t.searchPage.tags} error={isWrong ? t.searchPage.tagWrong : undefined}>
        <Input
          name="new-tag"
          value={draft.value}
          placeholder={t.searchPage.tagPlaceholder}
          list="tags"
          isMono
          isWrong={isWrong}
          onInput={(text) => (draft.value = text)}
        />
      </Field>
      <Suggestions id="tags" values={suggestions} />
      {tagsOf(props.params).map((tag) => (
        <a key={tag} class={css.tag} href={props.without(tag)} title={t.searchPage.removeTag(tag)}>
          <bdi>{tag}</bdi>
          <Icon name="close" size={11} />
          <span class="visually-hidden">{t.searchPage.removeTag(tag)}</span>
        </a>
      ))}
    </div>
  );
}

/** Adds `key=value`; whether it was one. */
function addTag(params: URLSearchParams, tag: string): boolean {
  const at = tag.indexOf('=');
  if (at < 1) return false;
  params.set(`tag.${tag.slice(0, at).trim()}`, tag.slice(at + 1).trim());
  return true;
}

function timeText(unixUs: string): string {
  const us = Number(unixUs);
  return Number.isFinite(us) ? `${dateText(us)} ${clockText(us, 0)}` : unixUs;
}
