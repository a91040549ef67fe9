import { activeHost } from '@forge/instrumentation';
import { captureLine, traceFields } from './line.ts';

type Method = (...args: unknown[]) => unknown;

const LEVELS: Readonly<Record<string, string>> = {
  log: 'info',
  error: 'error',
  warn: 'warn',
  debug: 'debug',
  verbose: 'trace',
  fatal: 'fatal',
};

/**
 * A Nest logger (`LoggerService`) whose lines carry `trace_id` and `span_id` and become logs of their span:
 * `app.useLogger(traceNestLogger(new ConsoleLogger()))`. Texts get the ids at their end, objects as fields.
 * Returns a proxy: whatever else the logger has is there.
 */
export function traceNestLogger<L extends object>(logger: L): L {
  const methods = new Map<string, { original: unknown; traced: Method }>();
  return new Proxy(logger, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      const level = typeof key === 'string' ? LEVELS[key] : undefined;
      if (level === undefined || typeof value !== 'function') return value;
      let known = methods.get(key as string);
      if (known?.original !== value) {
        known = { original: value, traced: traceMethod(target, value as Method, key as string, level) };
        methods.set(key as string, known);
      }
      return known.traced;
    },
  });
}

/** log(message, context?) and error(message, stack?, context?): what follows the message says where it was written. */
function traceMethod(logger: object, method: Method, name: string, level: string): Method {
  return (message, ...rest) => {
    const host = activeHost('logs');
    if (host === undefined) return Reflect.apply(method, logger, [message, ...rest]);
    if (isEnabled(logger, name)) {
      const context = rest.at(-1);
      const [stack] = rest;
      const fields = typeof message === 'object' && !(message instanceof Error) ? message : undefined;
      captureLine(host, level, () => textOf(message), {
        ...(typeof stack === 'string' && stack.includes('\n') ? { stack } : {}),
        ...(typeof context === 'string' && !context.includes('\n') ? { context } : {}),
        ...fields,
      });
    }
    return Reflect.apply(method, logger, [withIds(message), ...rest]);
  };
}

function textOf(message: unknown): unknown {
  const inner: unknown = typeof message === 'object' && message !== null ? Reflect.get(message, 'message') : undefined;
  return typeof inner === 'string' && !(message instanceof Error) ? inner : message;
}

function withIds(message: unknown): unknown {
  const ids = traceFields();
  if (ids === undefined) return message;
  if (typeof message === 'string') return `${message} trace_id=${ids.trace_id} span_id=${ids.span_id}`;
  const isPlain =
    typeof message === 'object' && message !== null && Object.getPrototypeOf(message) === Object.prototype;
  return isPlain ? { ...ids, ...message } : message;
}

function isEnabled(logger: object, level: string): boolean {
  const { isLevelEnabled } = logger as { isLevelEnabled?: (level: string) => boolean };
  return typeof isLevelEnabled === 'function' ? isLevelEnabled.call(logger, level) : true;
}
