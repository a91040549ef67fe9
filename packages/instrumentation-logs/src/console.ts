import { patchMethod, type InstrumentationHost } from '@forge/instrumentation';
import { formatWithOptions } from 'node:util';
import { captureLine, traceFields } from './line.ts';
import { settingsOf } from './options.ts';

const LEVELS = { log: 'info', info: 'info', warn: 'warn', error: 'error', debug: 'debug', trace: 'trace' } as const;

/** Objects in the arguments are shown two levels deep, on one line. */
const FORMAT = { depth: 2, breakLength: Infinity, maxArrayLength: 20, maxStringLength: 1024 };

/** Lines of `console` become logs of their span. Returns the undo. */
export function traceConsole(host: InstrumentationHost, target: Console = console): () => void {
  const printIds = settingsOf(host)?.printIds === true;
  const undos = Object.entries(LEVELS).map(([method, level]) =>
    patchMethod(target, method, (original) => {
      return function (this: unknown, ...args: unknown[]) {
        if (host.active) captureLine(host, level, () => formatWithOptions(FORMAT, ...args));
        const ids = printIds && host.active ? traceFields() : undefined;
        const shown = ids === undefined ? args : [...args, `trace_id=${ids.trace_id}`, `span_id=${ids.span_id}`];
        return Reflect.apply(original, this, shown);
      };
    }),
  );
  return () => undos.forEach((undo) => undo());
}
