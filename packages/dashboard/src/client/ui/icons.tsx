import type { JSX } from 'preact';

/** Drawn on a grid of 16, one stroke width, taking the text's colour. Decorative: whoever uses one gives it words. */
const PATHS = {
  chevronRight: 'M6 3.5 10.5 8 6 12.5',
  chevronDown: 'M3.5 6 8 10.5 12.5 6',
  chevronLeft: 'M10 3.5 5.5 8 10 12.5',
  chevronUp: 'M3.5 10 8 5.5 12.5 10',
  close: 'M4 4l8 8M12 4l-8 8',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.3 10.3 14 14',
  error: 'M8 5v3.6M8 10.9v.2M7.1 2.3 1.7 11.7a1 1 0 0 0 .9 1.6h10.8a1 1 0 0 0 .9-1.6L8.9 2.3a1 1 0 0 0-1.8 0Z',
  errorBelow: 'M8 2v7M5 6.5 8 9.5l3-3M3 13h10',
  warn: 'M8 5v3.5M8 11v.1M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z',
  info: 'M8 7.5V11M8 5v.1M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z',
  check: 'M3 8.5 6.5 12 13 4.5',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  link: 'M6.5 9.5a2.8 2.8 0 0 0 4 0l2-2a2.8 2.8 0 0 0-4-4l-.8.8M9.5 6.5a2.8 2.8 0 0 0-4 0l-2 2a2.8 2.8 0 0 0 4 4l.8-.8',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1.2v1.3M8 13.5v1.3M1.2 8h1.3M13.5 8h1.3M3.2 3.2l.9.9M11.9 11.9l.9.9M12.8 3.2l-.9.9M4.1 11.9l-.9.9',
  moon: 'M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1Z',
  system: 'M2 3h12v8H2zM6 13.5h4M8 11v2.5',
  keyboard: 'M1.5 4h13v8h-13zM4 6.5h.1M6.6 6.5h.1M9.3 6.5h.1M12 6.5h.1M4 9.5h.1M12 9.5h.1M6.5 9.5h3',
  filter: 'M2 3.5h12M4.5 8h7M6.8 12.5h2.4',
  clock: 'M8 4.5V8l2.3 1.6M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z',
  play: 'M5 3.2v9.6L12.5 8z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  download: 'M8 2.5v7.5M5 7.2 8 10.2l3-3M2.5 13h11',
  upload: 'M8 10.2V2.7M5 5.7l3-3 3 3M2.5 13h11',
  focus: 'M2.5 5.5v-3h3M10.5 2.5h3v3M13.5 10.5v3h-3M5.5 13.5h-3v-3M6.5 8h3M8 6.5v3',
  panel: 'M2 3h12v10H2zM10 3v10',
  tree: 'M2.5 3.5h5M5 3.5v9M5 8h3.5M5 12.5h3.5M10.5 8H14M10.5 12.5H14',
  flame: 'M2 3.5h12M2 8h7M11 8h3M4 12.5h4',
  table: 'M2 3.5h12v9H2zM2 6.5h12M2 9.5h12M6.5 6.5v6',
  map: 'M3.5 5.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM12.5 14.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM12.5 5.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM5.5 3.5h5M4.6 5.2l6.5 6',
  logs: 'M2.5 4h11M2.5 8h8M2.5 12h9.5',
  compare: 'M5.5 2.5v11M10.5 2.5v11M2 5.5h3.5M10.5 5.5H14M2 10.5h3.5M10.5 10.5H14',
  external: 'M9.5 2.5h4v4M13.3 2.7 7.5 8.5M11.5 9.5v4h-9v-9h4',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.6M13 2.2v3h-3',
  more: 'M3.5 8h.1M8 8h.1M12.5 8h.1',
  plus: 'M8 3v10M3 8h10',
  sort: 'M5 3v10M2.5 10.5 5 13l2.5-2.5M11 13V3M8.5 5.5 11 3l2.5 2.5',
  arrowUp: 'M8 13V3M4 7l4-4 4 4',
  arrowDown: 'M8 3v10M4 9l4 4 4-4',
  zoomIn: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.3 10.3 14 14M7 5v4M5 7h4',
  zoomOut: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.3 10.3 14 14M5 7h4',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.4"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
