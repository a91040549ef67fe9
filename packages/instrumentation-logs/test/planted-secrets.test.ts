import { withoutTracing } from '@forge/core';
import { createRegistry, installRegistry } from '@forge/instrumentation';
import { fetch as fetchPlugin } from '@forge/instrumentation-fetch';
import { action, createFunctionExecutor, functions } from '@forge/instrumentation-functions';
import { http } from '@forge/instrumentation-http';
import { dispatchJob, instrumentJob, jobs } from '@forge/instrumentation-jobs';
import { pg, tracePg } from '@forge/instrumentation-pg';
import { postgres, tracePostgres } from '@forge/instrumentation-postgres';
import { createPropagation } from '@forge/propagation';
import { createRecorder } from '@forge/testing';
import { createTestDatabase, type TestDatabase } from '@forge/testing/postgres';
import { span } from '@forge/tracing';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import pgModule from 'pg';
import pino from 'pino';
import postgresJs from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { logs, tracePino } from '../src/index.ts';

const SECRET = 'pl4nted';
const CARD = '4111 1111 1111 1111';
const JWT = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIke${SECRET}fSJ9.c2lnbmF0dXJl${SECRET}`;

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

it('a request full of planted secrets leaves none in any span', async () => {
  const recorder = createRecorder();
  const unregister = recorder.provider.register();
  const registry = createRegistry({
    provider: recorder.provider,
    propagation: createPropagation(),
    diagnostics: recorder.diagnostics,
  });
  registry.enable([http(), fetchPlugin(), postgres(), pg(), jobs(), functions(), logs({ console: false })]);
  const uninstall = installRegistry(registry);

  const client = postgresJs(database.url, { max: 1, onnotice: () => undefined });
  const sql = tracePostgres(client);
  const pool = tracePg(new pgModule.Pool({ connectionString: database.url, max: 1 }));
  const logger = tracePino(pino(new Writable({ write: (_chunk, _encoding, done) => done() })));
  const queue: string[] = [];

  const charge = action('charge', async (_ctx: null, input: { card: string }) => {
    logger.info({ password: SECRET, headers: { authorization: `Bearer ${SECRET}` } }, `charging ${CARD}`);
    logger.error(new Error(`password=${SECRET}`), `token: ${SECRET}`);
    await sql.unsafe(`select '${SECRET}' as password -- ${SECRET}`);
    await sql`select ${SECRET}::text, ${input.card}::text`;
    await sql`select ${SECRET}::int`.catch(() => undefined);
    await sql.unsafe(`select '${SECRET}' '${SECRET}'`).catch(() => undefined);
    await pool.query(`select $$${SECRET}$$, E'\\'${SECRET}'`);
    await pool.query('select $1::uuid', [SECRET]).catch(() => undefined);
    await span('verify', { api_key: SECRET, note: `cookie: sid=${SECRET}`, nested: { token: SECRET } }, async (s) => {
      s.record('jwt', JWT).log('signed in', { session_token: SECRET });
    });
    dispatchJob('mail', { password: SECRET }, (data) => queue.push(JSON.stringify(data)));
    await instrumentJob('mail', () => Promise.reject(new Error(`postgres://ann:${SECRET}@db/shop is away`)))(
      JSON.parse(queue.shift() ?? 'null'),
    ).catch(() => undefined);
    throw new Error(`card ${CARD} was declined, secret=${SECRET}`);
  });
  const executor = createFunctionExecutor({ functions: [charge], context: null });

  const server = createServer((request, response) => {
    request.resume();
    if (request.url?.startsWith('/other')) {
      response.end('ok');
      return;
    }
    const { port } = server.address() as AddressInfo;
    const other = `http://ann:${SECRET}@127.0.0.1:${port}/other?token=${SECRET}`;
    void executor
      .execute('charge', { card: CARD })
      .catch(() => fetch(other.replace(`ann:${SECRET}@`, ''), { headers: { authorization: SECRET } }))
      .finally(() => {
        response.setHeader('set-cookie', `sid=${SECRET}`);
        response.end('done');
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await withoutTracing(async () => {
    const sent = httpRequest({
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: `/charge?password=${SECRET}&card=4111111111111111&${SECRET}`,
      headers: { authorization: `Bearer ${SECRET}`, cookie: `sid=${SECRET}`, 'x-api-key': SECRET },
    });
    sent.end(`card=${CARD}&password=${SECRET}`);
    const [answer] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
    answer.resume();
    await once(answer, 'end');
  });
  await Promise.all([client.end(), pool.end(), new Promise((resolve) => server.close(resolve))]);
  uninstall();
  registry.disable();
  unregister();

  const names = recorder.names();
  for (const name of [
    'http.request',
    'http.client',
    'db.query',
    'function.execute',
    'job.dispatch',
    'job.execute',
    'verify',
  ])
    expect(names).toContain(name);
  const stored = recorder.spans.map(({ name, resource, statusMessage, attributes, events, links, traceState }) =>
    JSON.stringify({ name, resource, statusMessage, attributes, events, links, traceState }),
  );
  const leaks = stored.filter((text) => text.includes(SECRET) || /4111[ -]?1111/.test(text));
  expect(leaks).toEqual([]);
  expect(stored.join('\n')).toContain('charging [redacted]');
});
