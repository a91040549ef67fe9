import { signal } from '@preact/signals';

/** One keyboard command, and how the help names it. */
export interface KeyCommand {
  /** `KeyboardEvent.key` values; a space separates the two of a sequence: `g h`. */
  readonly keys: readonly string[];
  readonly label: string;
  readonly group: string;
  readonly run: (event: KeyboardEvent) => void;
  /** Also while a field has the focus. */
  readonly inFields?: boolean;
}

/** Commands of the shell and of the page that is shown, the page's first. */
const layers = signal<readonly (readonly KeyCommand[])[]>([]);
export const keyCommands = layers;

/** Adds commands until the returned function is called. */
export function addKeys(commands: readonly KeyCommand[]): () => void {
  layers.value = [commands, ...layers.value];
  return () => (layers.value = layers.value.filter((layer) => layer !== commands));
}

const SEQUENCE_MS = 1200;
let pending: { key: string; atMs: number } | undefined;

/** Listens for all commands. Keys with ctrl, alt or meta belong to the browser. */
export function listenForKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const inField = isField(event.target);
    const inDialog = document.querySelector('dialog[open]') !== null;
    const first = pending !== undefined && performance.now() - pending.atMs < SEQUENCE_MS ? pending.key : undefined;
    pending = undefined;
    for (const layer of layers.peek()) {
      for (const command of layer) {
        if ((inField || inDialog) && command.inFields !== true) continue;
        for (const keys of command.keys) {
          if (keys === (first === undefined ? event.key : `${first} ${event.key}`)) {
            event.preventDefault();
            command.run(event);
            return;
          }
        }
      }
    }
    if (!inField && !inDialog && startsSequence(event.key)) pending = { key: event.key, atMs: performance.now() };
  });
}

function startsSequence(key: string): boolean {
  return layers.peek().some((layer) => layer.some(({ keys }) => keys.some((one) => one.startsWith(`${key} `))));
}

function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement)
    return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range'].includes(target.type);
}
