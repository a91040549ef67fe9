import { computed, effect, signal, type ReadonlySignal } from '@preact/signals';

export type ThemeChoice = 'system' | 'light' | 'dark';

const KEY = 'forge-theme';
const stored = localStorage.getItem(KEY);
export const themeChoice = signal<ThemeChoice>(stored === 'light' || stored === 'dark' ? stored : 'system');

const media = matchMedia('(prefers-color-scheme: dark)');
const systemDark = signal(media.matches);
media.addEventListener('change', () => (systemDark.value = media.matches));

/** Canvases read this to know when to draw anew. */
export const isDark: ReadonlySignal<boolean> = computed(() =>
  themeChoice.value === 'system' ? systemDark.value : themeChoice.value === 'dark',
);

effect(() => {
  const choice = themeChoice.value;
  if (choice === 'system') {
    delete document.documentElement.dataset['theme'];
    localStorage.removeItem(KEY);
  } else {
    document.documentElement.dataset['theme'] = choice;
    localStorage.setItem(KEY, choice);
  }
});

/** The value of a colour token, as `rgb(…)`, for canvases. Read after the theme has been applied. */
export function colorOf(token: string): string {
  probe ??= makeProbe();
  probe.style.color = `var(${token})`;
  return getComputedStyle(probe).color;
}

let probe: HTMLElement | undefined;

function makeProbe(): HTMLElement {
  const element = document.createElement('span');
  element.hidden = true;
  document.body.append(element);
  return element;
}
