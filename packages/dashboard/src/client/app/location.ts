import { computed, signal, type ReadonlySignal } from '@preact/signals';

/** Where the viewer is, as the address bar has it: the path below its base, and the parameters. */
export interface Place {
  /** Without a leading slash: `traces/0af7…`, `search`, or empty for home. */
  readonly path: string;
  readonly params: URLSearchParams;
}

const base = new URL(document.baseURI);

function readPlace(): Place {
  const path = decodeURI(location.pathname.slice(base.pathname.length)).replace(/\/$/, '');
  return { path, params: new URLSearchParams(location.search) };
}

const current = signal<Place>(readPlace());
export const place: ReadonlySignal<Place> = current;
export const path: ReadonlySignal<string> = computed(() => current.value.path);

addEventListener('popstate', () => (current.value = readPlace()));

/** An address within the viewer. Parameters that are undefined or empty are left out. */
export function hrefOf(path: string, params: Readonly<Record<string, string | undefined>> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== undefined && value !== '') search.set(name, value);
  return hrefWith(path, search);
}

export function hrefWith(path: string, params: URLSearchParams): string {
  const query = params.toString();
  return `${base.pathname}${path.split('/').map(encodeURIComponent).join('/')}${query === '' ? '' : `?${query}`}`;
}

/** Goes to an address of the viewer; the back button leads back. */
export function go(href: string): void {
  history.pushState(null, '', href);
  current.value = readPlace();
  scrollTo(0, 0);
}

/**
 * Writes parameters of the present page into the address: undefined removes one. Without `push` the back button does
 * not notice, so selecting spans does not fill the history.
 */
export function setParams(changes: Readonly<Record<string, string | undefined>>, push = false): void {
  const params = new URLSearchParams(current.value.params);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') params.delete(name);
    else params.set(name, value);
  }
  const href = hrefWith(current.value.path, params);
  if (href === location.pathname + location.search) return;
  if (push) history.pushState(null, '', href);
  else history.replaceState(null, '', href);
  current.value = readPlace();
}

/** Follows links within the viewer without loading the page anew. */
export function followLinks(): void {
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.target !== '' || link.hasAttribute('download')) return;
    if (link.origin !== location.origin || !link.pathname.startsWith(base.pathname)) return;
    event.preventDefault();
    go(link.href);
  });
}
