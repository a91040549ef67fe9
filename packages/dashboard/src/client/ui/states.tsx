import type { ComponentChildren, JSX } from 'preact';
import { ApiError } from '../app/api.ts';
import { t } from '../texts.ts';
import { Button } from './button.tsx';
import { Icon, type IconName } from './icons.tsx';
import css from './states.module.css';

/** Nothing to show, and why: in the middle of where it would be. */
export function Empty(props: {
  readonly icon?: IconName;
  readonly title: string;
  readonly tries?: readonly string[];
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class={css.state}>
      <span class={css.icon}>
        <Icon name={props.icon ?? 'search'} size={22} />
      </span>
      <h2 class={css.title}>{props.title}</h2>
      {props.tries !== undefined && (
        <ul class={css.tries}>
          {props.tries.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      {props.children}
    </div>
  );
}

export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }): JSX.Element {
  const isOffline = error instanceof ApiError && error.status === 0;
  const text = error instanceof Error ? error.message : String(error);
  return (
    <div class={css.state} role="alert">
      <span class={css.icon} data-tone="error">
        <Icon name="error" size={22} />
      </span>
      <h2 class={css.title}>{isOffline ? t.state.offline : t.state.failed}</h2>
      <p class={css.text}>{text}</p>
      {onRetry !== undefined && (
        <Button icon="refresh" onClick={onRetry}>
          {t.state.retry}
        </Button>
      )}
    </div>
  );
}

/** Shown only after a moment: what loads quickly does not flicker. */
export function Loading({ label = t.state.loading }: { label?: string }): JSX.Element {
  return (
    <div class={css.loading} role="status">
      <span class={css.bar} />
      <span>{label}</span>
    </div>
  );
}
