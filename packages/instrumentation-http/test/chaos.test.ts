import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import * as grpcJs from '@grpc/grpc-js';
import postgresJs, { type Sql } from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Diagnostics, type Propagation, type Span, TracerProvider } from '@forge/core';
import { type Instrumentation, installRegistry, type InstrumentationHost } from '@forge/instrumentation';
import { fetch as fetchPlugin } from '@forge/instrumentation-fetch';
import { createFunctionExecutor, functions, type FunctionExecutor, mutation } from '@forge/instrumentation-functions';
import { grpc } from '@forge/instrumentation-grpc';
import { dispatchJob, instrumentJob, jobs } from '@forge/instrumentation-jobs';
import { postgres, tracePostgres } from '@forge/instrumentation-postgres';
import { createPropagation } from '@forge/propagation';
import { createTestDatabase, type TestDatabase } from '@forge/testing/postgres';
import { http as httpPlugin } from '../src/index.ts';

const REQUESTS = 10_000;
const AT_ONCE = 32;
// Requests whose numbers differ by this ask for the same.
const KINDS = 7 * 11;

/** Numbers that look random and are the same in every run. */
function createDice(seed: number): (chance: number) => boolean {
  let state = seed;
  return (chance) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 < chance;
  };
}

/**
 * Hosts in whose every call an error may come, and which never disable their plugin: each hook fails again and again,
 * at each of its calls, where a real host would have switched it off after the first.
 */
function createChaos(): {
  host(plugin: Instrumentation): InstrumentationHost;
  faults: Map<string, number>;
  failures: () => number;
} {
  const roll = createDice(42);
  const faults = new Map<string, number>();
  let failures = 0;
  // One for all: a stack trace for each of half a million would be most of the test.
  const fault = new Error('chaos');
  const provider = new TracerProvider({
    serviceName: 'chaos',
    pipeline: {
      onStart: () => undefined,
      onEnd: () => undefined,
      onKeep: () => undefined,
      flush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    },
  });
  const maybeThrow = (call: string): void => {
    if (!roll(0.1)) return;
    faults.set(call, (faults.get(call) ?? 0) + 1);
    throw fault;
  };
  function unreliable<T extends object>(target: T, label: string, names: readonly string[]): T {
    for (const name of names) {
      const method = (target as Record<string, (...args: unknown[]) => unknown>)[name];
      const wrapped = (...args: unknown[]): unknown => {
        maybeThrow(`${label}.${name}`);
        return Reflect.apply(method, target, args);
      };
      Object.defineProperty(target, name, { value: wrapped, configurable: true });
    }
    return target;
  }
  const spanCalls = ['set', 'setResource', 'setStatus', 'fail', 'recordException', 'end', 'isRecording', 'addLink'];
  const propagationCalls = ['inject', 'extract', 'respond', 'heed'];
  return {
    faults,
    failures: () => failures,
    host(plugin) {
      const tracer = provider.getTracer(plugin.name);
      const start = tracer.start.bind(tracer);
      Object.defineProperty(tracer, 'start', {
        value: (...args: Parameters<typeof start>): Span => {
          maybeThrow(`${plugin.name}: tracer.start`);
          return unreliable(start(...args), `${plugin.name}: span`, spanCalls);
        },
      });
      const propagation: Propagation = createPropagation();
      return {
        tracer,
        propagation: unreliable(propagation, `${plugin.name}: propagation`, propagationCalls),
        diagnostics: new Diagnostics(() => undefined),
        active: true,
        fail: () => void failures++,
        onModule: (name, patch) => {
          if (name === '@grpc/grpc-js') patch(grpcJs, { name, version: undefined, kind: 'cjs' });
        },
      };
    },
  };
}

interface Shop {
  readonly port: number;
  close(): Promise<void>;
}

const asBuffer = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const fromBuffer = (bytes: Buffer): unknown => JSON.parse(bytes.toString()) as unknown;
const priceMethod = {
  path: '/shop.Prices/Get',
  requestStream: false,
  responseStream: false,
  requestSerialize: asBuffer,
  requestDeserialize: fromBuffer,
  responseSerialize: asBuffer,
  responseDeserialize: fromBuffer,
};
const PricesClient = grpcJs.makeClientConstructor({ Get: priceMethod }, 'Prices');

async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<http.Server> {
  const server = http.createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function stop(server: http.Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

const portOf = (server: http.Server): number => (server.address() as AddressInfo).port;

/** A small shop with everything that is traced: HTTP both ways, fetch, gRPC both ways, SQL, functions and jobs. */
async function openShop(sql: Sql): Promise<Shop> {
  const payments = await listen((request, response) => {
    const kind = Number(request.url?.slice(1));
    response.statusCode = kind % 11 === 0 ? 402 : 200;
    response.end(`paid ${kind}`);
  });
  const prices = new grpcJs.Server();
  prices.addService(
    { Get: priceMethod },
    {
      Get: ((call, callback) => {
        const kind = (call.request as { kind: number }).kind;
        if (kind % 5 === 0) callback({ code: grpcJs.status.NOT_FOUND, details: `no price for ${kind}` });
        else callback(null, { price: kind * 2 });
      }) as grpcJs.handleUnaryCall<unknown, unknown>,
    },
  );
  const pricesPort = await new Promise<number>((resolve, reject) => {
    prices.bindAsync('127.0.0.1:0', grpcJs.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new PricesClient(`127.0.0.1:${pricesPort}`, grpcJs.credentials.createInsecure());
  const price = (kind: number): Promise<unknown> =>
    new Promise((resolve) => {
      (client['Get'] as (request: unknown, callback: (error: unknown, value: unknown) => void) => void).call(
        client,
        { kind },
        (error, value) => resolve(error === null ? value : (error as grpcJs.ServiceError).details),
      );
    });
  const agent = new http.Agent({ keepAlive: true });
  const pay = (kind: number): Promise<string> =>
    new Promise((resolve, reject) => {
      http
        .get({ host: '127.0.0.1', port: portOf(payments), path: `/${kind}`, agent }, (response) => {
          let text = '';
          response.on('data', (piece: Buffer) => (text += piece.toString()));
          response.on('end', () => resolve(`${response.statusCode} ${text}`));
        })
        .on('error', reject);
    });
  const confirm = instrumentJob('send_confirmation', (data: { kind: number }) => `confirmed ${data.kind}`);

  const createOrder = mutation('create_order', async (_: undefined, { kind }: { kind: number }) => {
    const rows = await sql`select ${kind}::int + 1 as next`;
    const fetched = await (await fetch(`http://127.0.0.1:${portOf(payments)}/${kind}`)).text();
    const [paid, priced] = await Promise.all([pay(kind), price(kind)]);
    const job = dispatchJob('send_confirmation', { kind }, (data) => confirm(data));
    if (kind % 7 === 0) throw new RangeError(`no order ${kind}`);
    return { rows: [...rows], fetched, paid, priced, job };
  });
  const executor: FunctionExecutor = createFunctionExecutor({ functions: [createOrder], context: undefined });

  const server = await listen((request, response) => {
    executor.execute('create_order', { kind: Number(request.url?.slice('/orders/'.length)) }).then(
      (order) => response.end(JSON.stringify(order)),
      (error: unknown) => {
        response.statusCode = 500;
        response.end(String(error));
      },
    );
  });
  return {
    port: portOf(server),
    async close() {
      client.close();
      prices.forceShutdown();
      agent.destroy();
      await stop(server);
      await stop(payments);
    },
  };
}

/** Asks `count` times, so many at once; hands each answer to `check`. */
async function askAll(port: number, count: number, check: (number: number, answer: string) => void): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  let next = 0;
  const ask = async (): Promise<void> => {
    for (let number = next++; number < count; number = next++) {
      const request = http.get({ host: '127.0.0.1', port, path: `/orders/${number % KINDS}`, agent });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      let text = `${response.statusCode} `;
      for await (const piece of response) text += String(piece);
      check(number, text);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  agent.destroy();
}

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it('serves 10,000 requests with the answers of an untraced app while every hook of every plugin fails', async () => {
  const raw = postgresJs(database.url, { max: 8, onnotice: () => undefined });
  const bare = new Map<number, string>();
  const shop = await openShop(raw);
  await askAll(shop.port, KINDS, (number, answer) => bare.set(number, answer));
  await shop.close();
  expect(new Set([...bare.values()].map((answer) => answer.slice(0, 3)))).toEqual(new Set(['200', '500']));

  const chaos = createChaos();
  const plugins = [
    httpPlugin({ redactUrl: (url) => url, ignoreRequest: () => false }),
    fetchPlugin(),
    grpc(),
    postgres(),
    functions(),
    jobs(),
  ];
  const hosts = new Map(plugins.map((plugin) => [plugin.name, chaos.host(plugin)]));
  const uninstall = installRegistry({
    enable: () => undefined,
    host: (name) => hosts.get(name),
    states: () => [],
    disable: () => undefined,
  });
  const undos = plugins.map((plugin) => plugin.enable(hosts.get(plugin.name)!));
  try {
    const traced = await openShop(tracePostgres(raw));
    const wrong: string[] = [];
    let served = 0;
    await askAll(traced.port, REQUESTS, (number, answer) => {
      served++;
      if (answer !== bare.get(number % KINDS) && wrong.length < 5) wrong.push(`${number}: ${answer}`);
    });
    await traced.close();
    expect(wrong).toEqual([]);
    expect(served).toBe(REQUESTS);
  } finally {
    for (const undo of undos.reverse()) undo();
    uninstall();
    await raw.end();
  }
  // Not one plugin was spared, and nothing but the host heard of it.
  for (const plugin of plugins) expect([...chaos.faults.keys()].join()).toContain(`${plugin.name}: tracer.start`);
  expect([...chaos.faults.keys()].map((call) => call.split(': ')[1])).toEqual(
    expect.arrayContaining([
      'span.set',
      'span.setResource',
      'span.end',
      'span.fail',
      'propagation.inject',
      'propagation.extract',
    ]),
  );
  expect(chaos.failures()).toBeGreaterThan(REQUESTS);
}, 180_000);
