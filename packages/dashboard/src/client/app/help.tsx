import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import { Button } from '../ui/button.tsx';
import { t } from '../texts.ts';
import { keyCommands, type KeyCommand } from './keys.ts';
import css from './help.module.css';

const isOpen = signal(false);

export function toggleHelp(): void {
  isOpen.value = !isOpen.value;
}

const NAMES: Readonly<Record<string, string>> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
  PageUp: 'Page ↑',
  PageDown: 'Page ↓',
  ' ': 'Space',
};

/** All keys that work on the present page. */
export function Help(): JSX.Element | null {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = isOpen.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
  }, [open]);
  if (!open) return null;
  const groups = new Map<string, KeyCommand[]>();
  const seen = new Set<string>();
  for (const command of keyCommands.value.flat()) {
    // A page's own key hides the same one of the layers below.
    const keys = command.keys.filter((key) => !seen.has(key));
    for (const key of keys) seen.add(key);
    if (keys.length === 0) continue;
    groups.set(command.group, [...(groups.get(command.group) ?? []), { ...command, keys }]);
  }
  return (
    <dialog
      class={css.dialog}
      ref={dialog}
      aria-labelledby="help-title"
      onClose={() => (isOpen.value = false)}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
      onKeyDown={(event) => event.key === '?' && dialog.current?.close()}
    >
      <div class={css.head}>
        <h2 id="help-title">{t.keys.title}</h2>
        <Button kind="quiet" icon="close" label={t.keys.close} onClick={() => dialog.current?.close()} />
      </div>
      <div class={css.groups} tabIndex={0}>
        {[...groups].map(([group, commands]) => (
          <section key={group} class={css.group}>
            <h3>{group}</h3>
            <dl>
              {commands.map((command) => (
                <div key={command.label} class={css.command}>
                  <dt>
                    <Keys keys={command.keys} />
                  </dt>
                  <dd>{command.label}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </dialog>
  );
}

function Keys({ keys }: { keys: readonly string[] }): JSX.Element {
  // 1 2 3 … 9 read better as a range.
  const shown = keys.length > 3 ? [`${keys[0]} – ${keys.at(-1)}`] : keys;
  return (
    <>
      {shown.map((key) => (
        <span key={key} class={css.keys}>
          {(NAMES[key] ?? key).split(' ').map((part, at) => (
            <kbd key={at}>{part}</kbd>
          ))}
        </span>
      ))}
    </>
  );
}
