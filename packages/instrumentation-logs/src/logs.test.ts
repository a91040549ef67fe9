import { activeContext, contextWithSpan, runInContext, withoutTracing, type Span } from '@forge/core';
import { createRegistry, installRegistry, type InstrumentationRegistry } from '@forge/instrumentation';
import { describeInstrumentation } from '@forge/instrumentation/conformance';
import { createPropagation } from '@forge/propagation';
import { createRecorder, type Recorder } from '@forge/testing';
import { ConsoleLogger } from '@nestjs/common';
import { Writable } from 'node:stream';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import winston from 'winston';
import { logLine, logs, traceFields, traceNestLogger, tracePino, traceWinston, type LogsOptions } from './index.ts';

let recorder: Recorder;
let registry: InstrumentationRegistry;
let uninstall: () => void = () => undefined;
const modules: Record<string, unknown> = {};

function start(options: LogsOptions = {}): void {
  uninstall();
  recorder = createRecorder();
  registry = createRegistry({
    provider: recorder.provider,
    propagation: createPropagation(),
    diagnostics: recorder.diagnostics,
    onModule(module, patch) {
      const exports: unknown = module === 'pino' ? pino : winston;
      modules[module] = patch(exports, { name: module, version: undefined, kind: 'cjs' }) ?? exports;
      return () => undefined;
    },
  });
  registry.enable([logs(options)]);
  const uninstallRegistry = installRegistry(registry);
  uninstall = () => {
    registry.disable();
    uninstallRegistry();
  };
}

beforeEach(() => start());

afterEach(() => {
  noHookFailed();
  uninstall();
  uninstall = () => undefined;
});

function noHookFailed(): void {
  expect(registry.states()).toMatchObject([{ notes: [] }]);
}

/** Runs `fn` in a span, and returns the span. */
function inSpan(fn: (span: Span) => void): Span {
  const span = recorder.provider.getTracer('test').start('root');
  runInContext(contextWithSpan(activeContext(), span), () => fn(span));
  span.end();
  return span;
}

function idsOf(span: Span): object {
  return { trace_id: span.traceId, span_id: span.spanId };
}

/** The span's logs, as objects. */
function linesOf(span: Span): Record<string, unknown>[] {
  return span.events.map(({ name, attributes }) => ({ name, ...recorder.tags({ attributes } as Span) }));
}

function sink(): { stream: Writable; lines(): Record<string, unknown>[] } {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  const parse = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>;
  return { stream, lines: () => chunks.join('').trim().split('\n').filter(Boolean).map(parse) };
}

describe('pino', () => {
  it('lines carry the ids and become logs of their span, with their fields', () => {
    const { stream, lines } = sink();
    const logger = (modules['pino'] as typeof pino)({ level: 'debug' }, stream);
    const span = inSpan(() =>
      logger.child({ module: 'orders' }).warn({ order: 7, items: [1, 'a'] }, 'charging %s', 'ann'),
    );
    logger.info('outside');
    expect(lines()).toMatchObject([
      { level: 40, ...idsOf(span), module: 'orders', order: 7, msg: 'charging ann' },
      { level: 30, msg: 'outside' },
    ]);
    expect(lines()[1]).not.toHaveProperty('trace_id');
    expect(linesOf(span)).toEqual([
      { name: 'log', level: 'warn', message: 'charging ann', order: 7, items: '[1,"a"]' },
    ]);
  });

  it('errors say their message', () => {
    const { stream, lines } = sink();
    const logger = tracePino(pino(stream));
    const span = inSpan(() => {
      logger.error(new TypeError('no'));
      logger.error({ err: new RangeError('far') }, 'context');
    });
    expect(lines()).toMatchObject([
      { msg: 'no', err: { type: 'TypeError' }, ...idsOf(span) },
      { msg: 'context', err: { message: 'far' } },
    ]);
    expect(linesOf(span)).toEqual([
      { name: 'log', level: 'error', message: 'no', err: 'TypeError: no' },
      { name: 'log', level: 'error', message: 'context', err: 'RangeError: far' },
    ]);
  });

  it('the application’s own mixin, fields, levels and nested key stay as they are', () => {
    const { stream, lines } = sink();
    const logger = tracePino(
      pino(
        {
          mixin: () => ({ app: 'shop', trace_id: 'mixed' }),
          nestedKey: 'payload',
          customLevels: { audit: 35 },
          level: 'info',
        },
        stream,
      ),
    );
    const span = inSpan(() => {
      logger.audit({ span_id: 'own' }, 'x');
      logger.debug('below the level');
    });
    expect(lines()).toMatchObject([
      { level: 35, payload: { app: 'shop', trace_id: 'mixed', span_id: 'own' }, msg: 'x' },
    ]);
    expect(linesOf(span)).toEqual([{ name: 'log', level: 'audit', message: 'x', span_id: 'own' }]);
  });

  it('writes what it writes without tracing where there is no span', () => {
    const [bare, traced] = [sink(), sink()];
    const options = { base: null, timestamp: false };
    for (const logger of [pino(options, bare.stream), tracePino(pino(options, traced.stream))]) {
      logger.info('text');
      logger.info({ a: 1 }, 'text %d', 5);
      logger.error(new Error('x'), 'y');
      logger.info(null);
    }
    const withoutStack = (lines: Record<string, unknown>[]): unknown => lines.map(({ err: _err, ...line }) => line);
    expect(withoutStack(traced.lines())).toEqual(withoutStack(bare.lines()));
  });

  it('the factory keeps what hangs on it, and traces a logger once', () => {
    const factory = modules['pino'] as typeof pino;
    expect([factory.levels, factory.stdTimeFunctions]).toEqual([pino.levels, pino.stdTimeFunctions]);
    expect((factory as unknown as { pino: unknown; default: unknown }).pino).toBe(factory);
    const { stream } = sink();
    const logger = factory(stream);
    expect(tracePino(logger)).toBe(logger);
    expect(linesOf(inSpan(() => logger.info('once')))).toHaveLength(1);
  });
});

describe('winston', () => {
  function createLogger(stream: Writable, options: winston.LoggerOptions = {}): winston.Logger {
    return winston.createLogger({
      level: 'debug',
      format: winston.format.combine(winston.format.splat(), winston.format.json()),
      transports: [new winston.transports.Stream({ stream })],
      ...options,
    });
  }

  it('lines carry the ids and become logs of their span, with their fields', () => {
    const { stream, lines } = sink();
    const logger = createLogger(stream);
    const span = inSpan(() => {
      logger.warn('charging %s', 'ann', { order: 7 });
      logger.child({ module: 'orders' }).log('info', 'child', { a: { b: 1 } });
      logger.log({ level: 'error', message: 'object' });
      logger.silly('below the level');
    });
    logger.info('outside');
    expect(lines()).toMatchObject([
      { level: 'warn', message: 'charging ann', ...idsOf(span) },
      { level: 'info', message: 'child', module: 'orders', ...idsOf(span) },
      { level: 'error', message: 'object', ...idsOf(span) },
      { level: 'info', message: 'outside' },
    ]);
    expect(lines()[3]).not.toHaveProperty('trace_id');
    expect(linesOf(span)).toEqual([
      { name: 'log', level: 'warn', message: 'charging ann { order: 7 }' },
      { name: 'log', level: 'info', message: 'child', module: 'orders', a: '{"b":1}' },
      { name: 'log', level: 'error', message: 'object' },
    ]);
  });

  it('errors and ids of the application’s own are kept', () => {
    const { stream, lines } = sink();
    const logger = createLogger(stream, {
      format: winston.format.combine(winston.format.errors(), winston.format.json()),
    });
    const span = inSpan(() => {
      logger.error(new TypeError('no'));
      logger.info('x', { trace_id: 'own' });
    });
    expect(lines()).toMatchObject([
      { message: 'no', ...idsOf(span) },
      { message: 'x', trace_id: 'own' },
    ]);
    expect(linesOf(span)).toMatchObject([{ message: 'no' }, { message: 'x' }]);
  });

  it('a logger of its own is traced by traceWinston, also with the class, and once', () => {
    const { stream } = sink();
    const logger = createLogger(stream);
    expect(traceWinston(logger)).toBe(logger);
    traceWinston(logger);
    expect(linesOf(inSpan(() => void logger.info('once')))).toHaveLength(1);
    const objects: object[] = [{ level: 'info', message: 'kept' }];
    inSpan(() => void logger.log(objects[0] as winston.LogEntry));
    expect(Object.keys(objects[0] ?? {})).toEqual(['level', 'message']);
  });

  it('a silent logger says nothing to the span either', () => {
    const { stream } = sink();
    const logger = createLogger(stream, { silent: true });
    expect(linesOf(inSpan(() => void logger.info('x')))).toEqual([]);
  });
});

describe('console', () => {
  const print = vi.fn<(...args: unknown[]) => void>();
  const { log } = console;

  beforeEach(() => {
    uninstall();
    print.mockClear();
    console.log = print;
    start();
  });

  afterEach(() => {
    uninstall();
    uninstall = () => undefined;
    console.log = log;
  });

  it('lines become logs of their span and are printed as they are', () => {
    const span = inSpan(() => {
      console.log('order %d', 7, { a: { b: [1, 2] } });
      console.log();
    });
    expect(print.mock.calls).toEqual([['order %d', 7, { a: { b: [1, 2] } }], []]);
    expect(linesOf(span)).toEqual([
      { name: 'log', level: 'info', message: 'order 7 { a: { b: [ 1, 2 ] } }' },
      { name: 'log', level: 'info', message: '' },
    ]);
  });

  it('ids are printed where that is asked for', () => {
    start({ console: 'ids' });
    const span = inSpan(() => console.log('x'));
    console.log('outside');
    expect(print.mock.calls).toEqual([['x', `trace_id=${span.traceId}`, `span_id=${span.spanId}`], ['outside']]);
  });

  it('is left alone where that is asked for, and put back at the end', () => {
    start({ console: false });
    expect(console.log).toBe(print);
    start();
    expect(console.log).not.toBe(print);
    uninstall();
    expect(console.log).toBe(print);
  });
});

describe('the Nest logger', () => {
  it('lines carry the ids and become logs of their span', () => {
    const written: unknown[][] = [];
    const logger = traceNestLogger({
      prefix: 'p',
      log(...args: unknown[]) {
        written.push([this.prefix, ...args]);
      },
      error: (...args: unknown[]) => void written.push(args),
      verbose: (...args: unknown[]) => void written.push(args),
    });
    const span = inSpan(() => {
      logger.log('started', 'OrdersController');
      logger.error('failed', 'Error: no\n    at x', 'OrdersController');
      logger.log({ message: 'object', order: 7 });
      logger.verbose('below the level');
    });
    logger.log('outside');
    const ids = `trace_id=${span.traceId} span_id=${span.spanId}`;
    expect(written).toEqual([
      ['p', `started ${ids}`, 'OrdersController'],
      [`failed ${ids}`, 'Error: no\n    at x', 'OrdersController'],
      ['p', { ...idsOf(span), message: 'object', order: 7 }],
      [`below the level ${ids}`],
      ['p', 'outside'],
    ]);
    expect(linesOf(span)).toEqual([
      { name: 'log', level: 'info', message: 'started', context: 'OrdersController' },
      { name: 'log', level: 'error', message: 'failed', stack: 'Error: no\n    at x', context: 'OrdersController' },
      { name: 'log', level: 'info', message: 'object', order: 7 },
    ]);
  });

  it('is Nest’s own too, at its levels', () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const logger = traceNestLogger(new ConsoleLogger({ json: true, logLevels: ['log'] }));
    const span = inSpan(() => {
      logger.log('hello', 'App');
      logger.debug('off');
    });
    const printed = write.mock.calls.map(([line]) => String(line));
    write.mockRestore();
    expect(printed).toHaveLength(1);
    expect(printed[0]).toContain(span.traceId);
    expect(linesOf(span)).toEqual([{ name: 'log', level: 'info', message: 'hello', context: 'App' }]);
    expect(logger).toBeInstanceOf(ConsoleLogger);
  });
});

describe('any logger', () => {
  it('may ask for the ids and write lines', () => {
    const span = inSpan((active) => {
      expect(traceFields()).toEqual(idsOf(active));
      logLine('info', 'text', { a: 1n, b: undefined, c: new Error('x'), level: 'not mine', fn: () => 1 });
      logLine('error', new TypeError('no'));
    });
    expect(traceFields()).toBeUndefined();
    expect(linesOf(span)).toEqual([
      { name: 'log', level: 'info', message: 'text', a: '1', c: 'Error: x' },
      { name: 'log', level: 'error', message: 'TypeError: no' },
    ]);
  });

  it('writes nothing where tracing is off, and no ids', () => {
    const span = inSpan(() =>
      withoutTracing(() => {
        logLine('error', 'x');
        expect(traceFields()).toBeUndefined();
      }),
    );
    uninstall();
    const later = inSpan(() => {
      logLine('error', 'x');
      expect(traceFields()).toBeUndefined();
    });
    expect([linesOf(span), linesOf(later)]).toEqual([[], []]);
  });

  it('is bounded: 64 lines, 32 fields, 1,024 characters of JSON; what is dropped is counted', () => {
    const wide = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, i]));
    const span = inSpan(() => {
      logLine('info', 'wide', { ...wide });
      logLine('info', 'long', { json: { text: 'x'.repeat(5000) } });
      for (let i = 0; i < 70; i++) logLine('info', `line ${i}`);
    });
    const lines = linesOf(span);
    expect(lines).toHaveLength(64);
    expect(span.droppedEvents).toBe(8);
    expect(recorder.diagnostics.counts()['forge_log_lines_dropped_total']).toBeGreaterThanOrEqual(8);
    expect(Object.keys(lines[0] ?? {})).toHaveLength(35);
    expect(String(lines[1]?.['json'])).toHaveLength(1024);
    expect(span.fail(new Error('late')).ended).toBe(true);
  });

  it('leaves room for exceptions', () => {
    const span = inSpan((active) => {
      for (let i = 0; i < 200; i++) logLine('info', 'x');
      active.fail(new Error('late'));
    });
    expect(span.events.at(-1)?.name).toBe('exception');
  });

  it('opts out of capture, and of what is below a level', () => {
    start({ capture: false });
    const without = inSpan((active) => {
      logLine('error', 'x');
      expect(traceFields()).toEqual(idsOf(active));
    });
    expect(linesOf(without)).toEqual([]);
    start({ minLevel: 'warn' });
    const above = inSpan(() => ['debug', 'info', 'audit', 'warn', 'fatal'].forEach((level) => logLine(level, 'x')));
    expect(linesOf(above).map((line) => line['level'])).toEqual(['warn', 'fatal']);
  });

  it('shows no secret', () => {
    const span = inSpan(() => {
      logLine('info', 'card 4111 1111 1111 1111, password=s3cret', {
        authorization: 'Bearer s3cret',
        body: { user: 'ann', password: 's3cret', token: 's3cret' },
      });
    });
    expect(JSON.stringify(linesOf(span))).not.toMatch(/s3cret|4111/);
    expect(linesOf(span)[0]?.['body']).toContain('"user":"ann"');
  });
});

describeInstrumentation<pino.Logger>('logs', {
  make: logs,
  modules: { pino, winston },
  patched: () => [console, winston.Logger.prototype],
  open: (kit) => (kit.module('pino') as typeof pino)({ base: null, timestamp: false }, sink().stream),
  cases: {
    'a line of pino': {
      run: (logger, seen) => {
        logger.info({ a: 1 }, 'x');
        seen.caller('after the line');
        return 5;
      },
      spans: [],
    },
    'a line of winston': {
      run: () => {
        const { stream, lines } = sink();
        const logger = winston.createLogger({ transports: [new winston.transports.Stream({ stream })] });
        logger.info('x', { a: 1 });
        return lines().map(({ message, a }) => [message, a]);
      },
      spans: [],
    },
  },
});
