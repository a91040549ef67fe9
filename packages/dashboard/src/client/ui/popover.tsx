import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { ComponentChildren, JSX } from 'preact';
import { Button } from './button.tsx';
import type { IconName } from './icons.tsx';
import css from './popover.module.css';

interface PopoverProps {
  readonly label: string;
  readonly icon?: IconName;
  readonly isOn?: boolean;
  readonly align?: 'left' | 'right';
  readonly open?: Signal<boolean>;
  /** What the button shows besides its icon; the label where left out. */
  readonly face?: ComponentChildren;
  readonly kind?: 'plain' | 'quiet';
  readonly children: () => ComponentChildren;
}

/** A button that opens a small panel: Escape, leaving it or a click elsewhere closes it, and the focus goes back. */
export function Popover(props: PopoverProps): JSX.Element {
  const own = useSignal(false);
  const open = props.open ?? own;
  const box = useRef<HTMLDivElement>(null);
  const isOpen = open.value;
  useEffect(() => {
    if (!isOpen) return undefined;
    box.current?.querySelector<HTMLElement>('[data-panel] :is(input, button, a, [tabindex="0"])')?.focus();
    const onPointerDown = (event: PointerEvent): void => {
      if (!(event.target instanceof Node) || box.current?.contains(event.target) !== true) open.value = false;
    };
    document.addEventListener('pointerdown', onPointerDown, true);
    return () => document.removeEventListener('pointerdown', onPointerDown, true);
  }, [isOpen]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !open.value) return;
    event.preventDefault();
    event.stopPropagation();
    open.value = false;
    box.current?.querySelector('button')?.focus();
  };
  const onFocusOut = (event: FocusEvent): void => {
    const next = event.relatedTarget;
    if (next instanceof Node && box.current?.contains(next) === false) open.value = false;
  };
  const iconProps = props.icon === undefined ? {} : { icon: props.icon };
  return (
    <div class={css.popover} ref={box} onKeyDown={onKeyDown} onFocusOut={onFocusOut}>
      <Button
        {...iconProps}
        kind={props.kind ?? 'plain'}
        label={props.label}
        expanded={isOpen}
        {...(props.isOn === true ? { pressed: true } : {})}
        onClick={() => (open.value = !open.value)}
      >
        {props.face === '' ? undefined : (props.face ?? props.label)}
      </Button>
      {isOpen && (
        <div class={css.panel} data-panel="" data-align={props.align ?? 'left'} role="group" aria-label={props.label}>
          {props.children()}
        </div>
      )}
    </div>
  );
}

/** One choice of a panel: on or off. */
export function Check(props: {
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly note?: ComponentChildren;
  readonly shortcut?: string;
  readonly onChange: (checked: boolean) => void;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <label class={css.check} data-disabled={props.disabled === true ? '' : undefined}>
      <input
        type="checkbox"
        checked={props.checked}
        disabled={props.disabled}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <span class={css.checkText}>
        {props.children}
        {props.note !== undefined && <span class={css.note}>{props.note}</span>}
      </span>
      {props.shortcut !== undefined && <kbd class={css.key}>{props.shortcut}</kbd>}
    </label>
  );
}
