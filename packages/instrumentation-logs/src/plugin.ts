import { patchMethod, replaceNamed, type Instrumentation } from '@forge/instrumentation';
import { traceConsole } from './console.ts';
import { droppedLines } from './line.ts';
import { setOptions, type LogsOptions } from './options.ts';
import { tracePinoFactory } from './pino.ts';
import { traceWrite } from './winston.ts';

type Pino = (...args: unknown[]) => object;

/** Log lines know their trace and stand in their span: pino, winston and console by themselves. */
export function logs(options: LogsOptions = {}): Instrumentation {
  return {
    name: 'logs',
    supports: [
      { module: 'pino', versions: '>=8 <11' },
      { module: 'winston', versions: '>=3.3 <4' },
    ],
    enable(host) {
      setOptions(host, options);
      const undos: (() => void)[] = [
        host.diagnostics.register(() => ({ forge_log_lines_dropped_total: droppedLines() })),
      ];
      if (options.console !== false) undos.push(traceConsole(host));
      host.onModule('pino', (exports) => {
        if (typeof exports === 'function') return tracePinoFactory(exports as Pino);
        const wrap = (pino: never): unknown => tracePinoFactory(pino);
        const replaced = replaceNamed(exports as object, { default: wrap, pino: wrap });
        undos.push(replaced.undo);
        return replaced.exports;
      });
      host.onModule('winston', (exports) => {
        const { Logger } = loggerClassOf(exports);
        if (Logger !== undefined) undos.push(patchMethod(Logger.prototype, 'write', traceWrite));
      });
      return () => undos.forEach((undo) => undo());
    },
  };
}

/** The module itself, or the namespace around it. */
function loggerClassOf(exports: unknown): { Logger?: { prototype: object } } {
  const namespace = exports as { Logger?: { prototype: object }; default?: { Logger?: { prototype: object } } };
  return namespace.Logger === undefined ? (namespace.default ?? {}) : namespace;
}
