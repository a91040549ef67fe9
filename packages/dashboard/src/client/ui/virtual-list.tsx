import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { ComponentChildren, JSX } from 'preact';
import { useSize } from './use-size.ts';

interface VirtualListProps {
  readonly count: number;
  readonly rowPx: number;
  readonly class: string;
  readonly innerClass?: string;
  readonly role: 'grid' | 'treegrid' | 'table';
  readonly label: string;
  readonly columns?: number;
  /** Stands above the rows and stays in sight. */
  readonly head?: ComponentChildren;
  /** A row to bring into sight when it changes; -1 for none. */
  readonly reveal?: number;
  readonly onKeyDown?: (event: KeyboardEvent) => void;
  readonly row: (index: number) => JSX.Element;
}

const OVERSCAN = 6;

/** Rows of one height, of which only those in sight are in the page. The row function places itself at `index * rowPx`. */
export function VirtualList(props: VirtualListProps): JSX.Element {
  const { count, rowPx, reveal = -1 } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const { height } = useSize(scroller);
  const scrollTop = useSignal(0);
  const first = useComputed(() => Math.floor(scrollTop.value / rowPx / 4) * 4).value;
  const from = Math.max(0, Math.min(first, count) - OVERSCAN);
  const to = Math.min(count, first + Math.ceil(Math.max(height, 200) / rowPx) + OVERSCAN + 4);
  useEffect(() => {
    const element = scroller.current;
    if (element === null || reveal < 0) return;
    const head = element.querySelector<HTMLElement>('[data-head]')?.offsetHeight ?? 0;
    const top = reveal * rowPx;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowPx > element.scrollTop + element.clientHeight - head)
      element.scrollTop = top + rowPx - element.clientHeight + head;
  }, [reveal, rowPx]);
  const rows: JSX.Element[] = [];
  for (let index = from; index < to; index++) rows.push(props.row(index));
  return (
    <div
      class={props.class}
      ref={scroller}
      role={props.role}
      aria-label={props.label}
      aria-rowcount={count + 1}
      aria-colcount={props.columns}
      tabIndex={0}
      onKeyDown={props.onKeyDown}
      onScroll={(event) => (scrollTop.value = event.currentTarget.scrollTop)}
    >
      {props.head}
      <div class={props.innerClass} role="rowgroup" style={{ position: 'relative', height: `${count * rowPx}px` }}>
        {rows}
      </div>
    </div>
  );
}
