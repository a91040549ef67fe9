import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { Icon } from '../ui/icons.tsx';
import { t } from '../texts.ts';
import { toggleHelp } from './help.tsx';
import { go, hrefOf, path } from './location.ts';
import { themeChoice, type ThemeChoice } from './theme.ts';
import css from './top-bar.module.css';

const NEXT_THEME: Readonly<Record<ThemeChoice, ThemeChoice>> = { system: 'light', light: 'dark', dark: 'system' };

/** Pages, a field for a trace id, theme and help. */
export function TopBar(): JSX.Element {
  const [page] = path.value.split('/');
  const theme = themeChoice.value;
  const link = (to: string, label: string, isOn: boolean): JSX.Element => (
    <a class={css.link} href={hrefOf(to)} aria-current={isOn ? 'page' : undefined}>
      {label}
    </a>
  );
  return (
    <header class={css.bar}>
      <a class={css.brand} href={hrefOf('')} aria-label={t.home}>
        <Mark />
        <span>{t.product}</span>
      </a>
      <nav class={css.nav} aria-label={t.shell.navigation}>
        {link('', t.home, page === '')}
        {link('search', t.search, page === 'search' || page === 'traces')}
        {link('map', t.map, page === 'map')}
        {link('compare', t.compare, page === 'compare')}
      </nav>
      <GoTo />
      <a class={css.icon} href={hrefOf('open')} title={t.open} aria-current={page === 'open' ? 'page' : undefined}>
        <Icon name="upload" />
        <span class="visually-hidden">{t.open}</span>
      </a>
      <button
        type="button"
        class={css.icon}
        title={`${t.shell.theme[theme]} (t)`}
        aria-label={t.shell.theme[theme]}
        onClick={() => (themeChoice.value = NEXT_THEME[theme])}
      >
        <Icon name={theme === 'system' ? 'system' : theme === 'light' ? 'sun' : 'moon'} />
      </button>
      <button
        type="button"
        class={css.icon}
        title={`${t.shell.help} (?)`}
        aria-label={t.shell.help}
        onClick={toggleHelp}
      >
        <Icon name="keyboard" />
      </button>
    </header>
  );
}

function Mark(): JSX.Element {
  return (
    <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true" class={css.mark}>
      <rect x="1" y="2.5" width="16" height="3" rx="1" />
      <rect x="3.5" y="7.5" width="8" height="3" rx="1" opacity=".75" />
      <rect x="7" y="12.5" width="10" height="3" rx="1" opacity=".5" />
    </svg>
  );
}

/** A pasted id, or a whole traceparent, opens its trace. */
function GoTo(): JSX.Element {
  const isWrong = useSignal(false);
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem('id');
    if (!(field instanceof HTMLInputElement)) return;
    const id = /(?:^|-|\b)([0-9a-f]{32}|[0-9a-f]{16})(?:-|\b|$)/i.exec(field.value.trim())?.[1];
    isWrong.value = id === undefined && field.value.trim() !== '';
    if (id === undefined) return;
    field.value = '';
    field.blur();
    go(hrefOf(`traces/${id.toLowerCase()}`));
  };
  return (
    <form class={css.goTo} onSubmit={onSubmit}>
      <input
        id="go-to-trace"
        name="id"
        class={css.field}
        aria-label={t.shell.goTo}
        aria-invalid={isWrong.value}
        aria-describedby={isWrong.value ? 'go-to-wrong' : undefined}
        placeholder={t.shell.goToPlaceholder}
        spellcheck={false}
        autocomplete="off"
        onInput={() => (isWrong.value = false)}
        onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
      />
      {isWrong.value && (
        <span class={css.wrong} id="go-to-wrong" role="alert">
          {t.shell.notAnId}
        </span>
      )}
    </form>
  );
}
