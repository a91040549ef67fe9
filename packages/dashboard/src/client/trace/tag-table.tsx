import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { hrefOf } from '../app/location.ts';
import { copyText } from '../ui/copy.ts';
import { Icon } from '../ui/icons.tsx';
import { t } from '../texts.ts';
import css from './tag-table.module.css';

/** Longer values are folded: a tag may hold a megabyte. */
const FOLDED = 300;
const UNFOLDED = 50_000;
const FILTER_FROM = 9;

/** Keys and values as text, never as markup. Sorted by key; many can be filtered, each can be copied or searched. */
export function TagTable(props: {
  readonly tags: Readonly<Record<string, unknown>>;
  readonly empty: string;
  readonly searchable: boolean;
  readonly compact?: boolean;
}): JSX.Element {
  const filter = useSignal('');
  const entries = Object.entries(props.tags)
    .map(([key, value]) => [key, typeof value === 'string' ? value : (JSON.stringify(value) ?? '')] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return <p class={css.none}>{props.empty}</p>;
  const part = filter.value.toLowerCase();
  const shown = entries.filter(
    ([key, value]) => key.toLowerCase().includes(part) || value.toLowerCase().includes(part),
  );
  return (
    <>
      {entries.length >= FILTER_FROM && props.compact !== true && (
        <input
          type="search"
          class={css.filter}
          aria-label={t.panel.filter}
          placeholder={t.panel.filter}
          value={filter.value}
          onInput={(event) => (filter.value = event.currentTarget.value)}
        />
      )}
      <dl class={css.tags} data-compact={props.compact === true ? '' : undefined}>
        {shown.map(([key, value]) => (
          <Tag key={key} name={key} value={value} searchable={props.searchable} />
        ))}
      </dl>
      {shown.length === 0 && <p class={css.none}>{t.panel.noMatch}</p>}
    </>
  );
}

function Tag({ name, value, searchable }: { name: string; value: string; searchable: boolean }): JSX.Element {
  const isLong = value.length > FOLDED;
  const isOpen = useSignal(false);
  const text = !isLong ? value : isOpen.value ? value.slice(0, UNFOLDED) : `${value.slice(0, FOLDED)}…`;
  return (
    <div class={css.tag}>
      <dt>
        <bdi>{name}</bdi>
      </dt>
      <dd>
        <bdi class={css.value}>{text}</bdi>
        {isOpen.value && value.length > UNFOLDED && (
          <span class={css.none}>{t.tools.more(value.length - UNFOLDED)}</span>
        )}
        {isLong && (
          <button type="button" class={css.more} onClick={() => (isOpen.value = !isOpen.value)}>
            {isOpen.value ? t.panel.less : t.panel.more}
          </button>
        )}
      </dd>
      <span class={css.actions}>
        {searchable && value.length <= 200 && (
          <a class={css.action} href={hrefOf('search', { [`tag.${name}`]: value })} title={t.panel.searchValue(name)}>
            <Icon name="search" size={12} />
            <span class="visually-hidden">{t.panel.searchValue(name)}</span>
          </a>
        )}
        <button
          type="button"
          class={css.action}
          aria-label={t.panel.copyValue(name)}
          title={t.panel.copyValue(name)}
          onClick={() => void copyText(value)}
        >
          <Icon name="copy" size={12} />
        </button>
      </span>
    </div>
  );
}
