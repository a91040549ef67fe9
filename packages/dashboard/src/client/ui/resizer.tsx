import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import css from './resizer.module.css';

interface ResizerProps {
  readonly label: string;
  /** Width in pixels of what is resized. */
  readonly value: Signal<number>;
  readonly min: number;
  readonly max: number;
  /** On which side of the handle it lies. */
  readonly side: 'left' | 'right';
  readonly onDone: (value: number) => void;
}

const STEP_PX = 16;

/** A handle between two parts: drag it, or focus it and use the arrow keys. */
export function Resizer({ label, value, min, max, side, onDone }: ResizerProps): JSX.Element {
  const sign = side === 'left' ? 1 : -1;
  const set = (width: number): void => void (value.value = Math.round(Math.min(max, Math.max(min, width))));
  const onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0 || !(event.currentTarget instanceof HTMLElement)) return;
    event.preventDefault();
    const handle = event.currentTarget;
    const startX = event.clientX;
    const startWidth = value.value;
    handle.setPointerCapture(event.pointerId);
    const onMove = (move: PointerEvent): void => set(startWidth + (move.clientX - startX) * sign);
    handle.addEventListener('pointermove', onMove);
    handle.addEventListener(
      'lostpointercapture',
      () => {
        handle.removeEventListener('pointermove', onMove);
        onDone(value.value);
      },
      { once: true },
    );
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    set(value.value + (event.key === 'ArrowRight' ? STEP_PX : -STEP_PX) * sign);
    onDone(value.value);
  };
  return (
    <div
      class={css.resizer}
      data-side={side}
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={value.value}
      aria-valuemin={min}
      aria-valuemax={max}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
    />
  );
}
