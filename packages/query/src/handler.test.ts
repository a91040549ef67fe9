import { describe, expect, it } from 'vitest';
import { TRACE, api, body, store } from '../test/orders-api.ts';

describe('bounds and failures', () => {
  it('answers 504 when the store takes longer than allowed', async () => {
    const ask = api({ store: { ...store, search: () => new Promise(() => undefined) }, timeoutMs: 5 });
    const response = await ask('/_api/traces');
    expect(response.status).toBe(504);
  });

  it('answers 503 when the store is away, and tells the operator, not the caller, why', async () => {
    const failure = Object.assign(new Error('connect ECONNREFUSED 10.0.0.5'), {
      name: 'ForgeError',
      code: 'FORGE_STORAGE_UNAVAILABLE',
      retryable: true,
    });
    const told: unknown[] = [];
    const response = await api({
      store: { ...store, search: () => Promise.reject(failure) },
      onError: (error) => told.push(error),
    })('/_api/traces');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await response.text()).not.toContain('10.0.0.5');
    expect(told).toEqual([failure]);
  });

  it('answers 500 without inner words for what nobody expected', async () => {
    const response = await api({
      store: {
        ...store,
        search: () => {
          throw new Error('SELECT secret');
        },
      },
    })('/_api/traces');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
  });

  it('refuses a URL without end, an unknown path and a method that is not there', async () => {
    expect((await api()(`/_api/traces?text=${'x'.repeat(17_000)}`)).status).toBe(414);
    expect((await api()('/_api/nothing')).status).toBe(404);
    expect((await api()('/elsewhere')).status).toBe(404);
    const response = await api()('/_api/traces', { method: 'PUT' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  it('answers HEAD like GET without a body, at another base path too', async () => {
    const response = await api({ basePath: '/x/api/' })(`/x/api/traces/${TRACE}`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.text()).toBe('');
  });

  it('shows what the process says of itself', async () => {
    expect(await body(api({ info: () => ({ forge_spans_started_total: 3 }) })('/_api/info'))).toEqual({
      forge_spans_started_total: 3,
    });
  });
});
