import type { JSX } from 'preact';
import css from './log-level.module.css';

const SERIOUS: ReadonlySet<string> = new Set(['error', 'fatal', 'exception', 'critical']);
const WARNING: ReadonlySet<string> = new Set(['warn', 'warning']);

/** A log line's level as a word; its colour only underlines it. */
export function LogLevel({ level }: { level: string }): JSX.Element {
  const tone = SERIOUS.has(level) ? 'error' : WARNING.has(level) ? 'warn' : undefined;
  return (
    <span class={css.level} data-tone={tone}>
      {level}
    </span>
  );
}
