import { describe, expect, it } from 'vitest';
import { START_US, api, body } from '../test/orders-api.ts';

describe('GET /_api/services and /_api/operations', () => {
  it('name what was seen in the range, a day until now by default', async () => {
    const ask = api({ nowMs: () => START_US / 1000 + 3_600_000 });
    expect(await body(ask('/_api/services'))).toEqual({ services: ['gateway', 'test'] });
    expect(await body(ask('/_api/operations?service=test'))).toEqual({
      operations: [{ operation_name: 'function.execute', resource: 'create_order' }],
    });
    expect(await body(ask('/_api/services?end=2026-11-22T17:00:00Z'))).toEqual({ services: [] });
    expect(await body(api({ nowMs: () => START_US / 1000 + 2 * 86_400_000 })('/_api/services'))).toEqual({
      services: [],
    });
  });

  it('refuse a range that ends before it starts', async () => {
    expect(await body(api()('/_api/services?start=3000000&end=2000000'))).toMatchObject({
      status: 400,
      parameter: 'start',
    });
  });
});

it('refuses more points in time than anyone can draw', async () => {
  const ask = api();
  const range = 'start=2026-01-01T00:00:00Z&end=2026-12-01T00:00:00Z';
  expect(await body(ask(`/_api/rates?${range}&step=1m`))).toMatchObject({
    status: 400,
    parameter: 'step',
    allowed: '241m or more, for so long a time',
  });
  expect((await ask(`/_api/rates?${range}&step=241m`)).status).toBe(200);
  expect((await ask(`/_api/heatmap?${range}&step=1h`)).status).toBe(400);
  expect((await ask('/_api/rates?start=0')).status).toBe(200);
});
