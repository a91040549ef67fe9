import { signal } from '@preact/signals';

/** What the live region says next. */
export const announcement = signal('');

/** Tells a screen reader, politely; the last word wins. */
export function announce(text: string): void {
  announcement.value = text;
}
