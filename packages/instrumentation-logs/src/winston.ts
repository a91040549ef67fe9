import { activeHost, patchMethod } from '@forge/instrumentation';
import { format } from 'node:util';
import { captureLine, traceFields } from './line.ts';

type Method = (this: never, ...args: never[]) => unknown;
type Info = Record<string | symbol, unknown>;

const SPLAT = Symbol.for('splat');
const FORMAT_TOKEN = /%[scdjifoO%]/;

const traced = new WeakSet<object>();

/**
 * Gives a winston logger, and its children, `trace_id` and `span_id`, and its lines to their spans. Changes it in place
 * and returns it.
 */
export function traceWinston<L extends object>(logger: L): L {
  if (traced.has(logger)) return logger;
  traced.add(logger);
  patchMethod(logger, 'write', traceWrite);
  return logger;
}

/** logger.write(info): where every line comes by, before formats and transports. */
export function traceWrite(original: Method): Method {
  return function (this: object, info: unknown, ...rest: unknown[]) {
    const host = activeHost('logs');
    const isInfo = typeof info === 'object' && info !== null;
    if (host === undefined || !isInfo || marked.has(info)) return Reflect.apply(original, this, [info, ...rest]);
    const line = withIds(info as Info);
    // A child hands its lines on to its parent.
    marked.add(line);
    if (isEnabled(this, line)) captureLine(host, String(line['level']), () => messageOf(line), fieldsOf(line));
    return Reflect.apply(original, this, [line, ...rest]);
  } as Method;
}

const marked = new WeakSet<object>();

/** The line with the ids. winston itself writes into what it is given; a plain object is copied all the same. */
function withIds(info: Info): Info {
  const ids = traceFields();
  if (ids === undefined) return info;
  const isPlain = Object.getPrototypeOf(info) === Object.prototype;
  return isPlain ? { ...ids, ...info } : Object.assign(info, { ...ids, ...pick(info, ids) });
}

/** The application's own values of the ids' names. */
function pick(info: Info, ids: object): Info {
  return Object.fromEntries(Object.keys(ids).flatMap((key) => (key in info ? [[key, info[key]]] : [])));
}

function isEnabled(logger: object, line: Info): boolean {
  const { silent, isLevelEnabled } = logger as { silent?: boolean; isLevelEnabled?: (level: unknown) => boolean };
  if (silent === true) return false;
  return typeof isLevelEnabled === 'function' ? isLevelEnabled.call(logger, line['level']) : true;
}

function messageOf(line: Info): unknown {
  const { message } = line;
  const splat = line[SPLAT];
  const hasTokens = typeof message === 'string' && FORMAT_TOKEN.test(message);
  return hasTokens && Array.isArray(splat) ? format(message, ...(splat as unknown[])) : message;
}

function fieldsOf(line: Info): Info {
  const { level: _level, message: _message, trace_id: _trace, span_id: _span, ...fields } = line;
  return fields;
}
