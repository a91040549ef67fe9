import type { ComponentChildren, JSX } from 'preact';
import { Icon, type IconName } from './icons.tsx';
import css from './button.module.css';

interface ButtonProps {
  readonly icon?: IconName;
  /** Said to screen readers and shown as a tooltip where there are no children. */
  readonly label?: string;
  readonly title?: string | undefined;
  readonly pressed?: boolean;
  readonly expanded?: boolean;
  readonly disabled?: boolean;
  readonly kind?: 'plain' | 'quiet' | 'primary';
  readonly type?: 'button' | 'submit';
  readonly shortcut?: string;
  readonly onClick?: (event: MouseEvent) => void;
  readonly children?: ComponentChildren;
}

export function Button(props: ButtonProps): JSX.Element {
  const {
    icon,
    label,
    title,
    pressed,
    expanded,
    disabled,
    kind = 'plain',
    type = 'button',
    shortcut,
    children,
  } = props;
  const hint = title ?? (children === undefined ? label : undefined);
  return (
    <button
      type={type}
      class={css.button}
      data-kind={kind}
      data-icon={children === undefined ? '' : undefined}
      aria-label={children === undefined ? label : undefined}
      aria-pressed={pressed}
      aria-expanded={expanded}
      aria-keyshortcuts={shortcut}
      title={hint === undefined ? undefined : shortcut === undefined ? hint : `${hint} (${shortcut})`}
      disabled={disabled}
      onClick={props.onClick}
    >
      {icon !== undefined && <Icon name={icon} size={14} />}
      {children}
    </button>
  );
}

/** A filter that is on or off. */
export function Pill(props: {
  readonly pressed: boolean;
  readonly icon?: IconName;
  readonly count?: string | undefined;
  readonly title?: string;
  readonly disabled?: boolean;
  readonly tone?: 'error';
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <button
      type="button"
      class={css.pill}
      aria-pressed={props.pressed}
      title={props.title}
      disabled={props.disabled}
      data-tone={props.tone}
      onClick={props.onClick}
    >
      {props.icon !== undefined && <Icon name={props.icon} size={13} />}
      {props.children}
      {props.count !== undefined && <span class={css.pillCount}>{props.count}</span>}
    </button>
  );
}
