import { effect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JSX } from 'preact';
import { fileTrace, storedTrace } from '../trace/source.ts';
import { Empty } from '../ui/states.tsx';
import { lazy } from '../ui/lazy.tsx';
import { t } from '../texts.ts';
import { announcement } from './announce.ts';
import { tokenWanted } from './api.ts';
import { FileDrop } from './file-drop.tsx';
import { Help, toggleHelp } from './help.tsx';
import { addKeys } from './keys.ts';
import { go, hrefOf, path } from './location.ts';
import { themeChoice } from './theme.ts';
import { TokenForm } from './token-form.tsx';
import { TopBar } from './top-bar.tsx';
import css from './app.module.css';

const TracePage = lazy(() => import('../trace/page.tsx').then((module) => module.TracePage));
const HomePage = lazy(() => import('../home/page.tsx').then((module) => module.HomePage));
const SearchPage = lazy(() => import('../search/page.tsx').then((module) => module.SearchPage));
const MapPage = lazy(() => import('../map/page.tsx').then((module) => module.MapPage));
const ComparePage = lazy(() => import('../compare/page.tsx').then((module) => module.ComparePage));
const FilePage = lazy(() => import('../file/page.tsx').then((module) => module.FilePage));

export function App(): JSX.Element {
  useEffect(() => addKeys(SHELL_KEYS), []);
  useEffect(
    () =>
      effect(() => {
        if (!path.value.startsWith('traces/')) document.title = `${titleOf(path.value)} · ${t.product}`;
      }),
    [],
  );
  return (
    <div class={css.app}>
      <a class={css.skip} href="#main" onClick={skipToMain}>
        {t.shell.skip}
      </a>
      <TopBar />
      <main class={css.main} id="main" tabIndex={-1}>
        {tokenWanted.value ? <TokenForm /> : <Page />}
      </main>
      <FileDrop />
      <Help />
      <div class="visually-hidden" role="status" aria-live="polite">
        {announcement.value}
      </div>
    </div>
  );
}

function Page(): JSX.Element {
  const [page, id = ''] = path.value.split('/');
  if (page === '') return <HomePage />;
  if (page === 'search') return <SearchPage />;
  if (page === 'map') return <MapPage />;
  if (page === 'compare') return <ComparePage />;
  if (page === 'traces' && id !== '') return <TracePage key={id} source={storedTrace(id.toLowerCase())} />;
  if (page === 'open' && id !== '') return <TracePage key={`file${id}`} source={fileTrace(Number(id))} />;
  if (page === 'open') return <FilePage />;
  return (
    <Empty title={t.shell.notFound}>
      <a href={hrefOf('')}>{t.shell.toHome}</a>
    </Empty>
  );
}

function titleOf(path: string): string {
  const titles: Readonly<Record<string, string>> = {
    '': t.homePage.title,
    search: t.searchPage.title,
    map: t.mapPage.title,
    compare: t.comparePage.title,
    open: t.filePage.title,
  };
  return titles[path.split('/')[0]] ?? t.product;
}

/** A link to `#main` would leave the page: its base is another address. */
function skipToMain(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

const SHELL_KEYS: Parameters<typeof addKeys>[0] = [
  { keys: ['?'], label: t.keys.help, group: t.keys.groups.anywhere, run: toggleHelp },
  { keys: ['g h'], label: t.keys.goHome, group: t.keys.groups.anywhere, run: () => go(hrefOf('')) },
  { keys: ['g s'], label: t.keys.goSearch, group: t.keys.groups.anywhere, run: () => go(hrefOf('search')) },
  { keys: ['g m'], label: t.keys.goMap, group: t.keys.groups.anywhere, run: () => go(hrefOf('map')) },
  { keys: ['g c'], label: t.keys.goCompare, group: t.keys.groups.anywhere, run: () => go(hrefOf('compare')) },
  { keys: ['g o'], label: t.keys.goOpen, group: t.keys.groups.anywhere, run: () => go(hrefOf('open')) },
  {
    keys: ['g i'],
    label: t.keys.focusId,
    group: t.keys.groups.anywhere,
    run: () => document.getElementById('go-to-trace')?.focus(),
  },
  {
    keys: ['t'],
    label: t.keys.theme,
    group: t.keys.groups.anywhere,
    run: () => {
      const next = { system: 'light', light: 'dark', dark: 'system' } as const;
      themeChoice.value = next[themeChoice.value];
    },
  },
];
