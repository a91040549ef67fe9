import { describe, expect, test } from 'vitest';
import { tableOf } from '../../test/support/table-of.ts';
import { arrange } from './arrange.ts';
import { criticalPath } from './critical-path.ts';
import { filterByPills, nodesOf, parseSearch, search, slowThresholdUs } from './search.ts';

const trace = arrange(
  tableOf([
    { name: 'http.request', start: 0, duration: 100_000, resource: 'POST /api/orders', service: 'gateway', kind: 1 },
    { name: 'db.query', parent: 'http.request', start: 10, duration: 5_000, resource: 'SELECT users', service: 'api' },
    {
      name: 'http.client',
      parent: 'http.request',
      start: 9_000,
      duration: 50_000,
      resource: 'payment.example',
      service: 'api',
      status: 2,
      logs: [[9_100, 'exception']],
    },
    { name: 'lost', parent: 'feed', start: 20_000, duration: 1 },
  ]),
);

const found = (text: string, tagRows?: ReadonlySet<number>): string[] =>
  [...nodesOf(search(trace, parseSearch(text), tagRows))].map((node) => trace.strings[trace.name[node]] ?? '?');

describe('searching inside a trace', () => {
  test('finds a part of a name, resource or service in any case', () => {
    expect(found('SELECT')).toEqual(['db.query']);
    expect(found('orders')).toEqual(['http.request']);
    expect(found('Gateway')).toEqual(['http.request']);
  });

  test('wants every word', () => {
    expect(found('http payment')).toEqual(['http.client']);
    expect(found('http nowhere')).toEqual([]);
  });

  test('keeps the spaces of quoted words', () => {
    expect(found('"select users"')).toEqual(['db.query']);
    expect(found('"users select"')).toEqual([]);
    expect(found('"post /api')).toEqual(['http.request']);
  });

  test('looks into one field where one is named', () => {
    expect(found('service:api')).toEqual(['db.query', 'http.client']);
    expect(found('name:http')).toEqual(['http.request', 'http.client']);
    expect(found('resource:"select users"')).toEqual(['db.query']);
    expect(found('type:server')).toEqual(['http.request']);
    expect(found('log:exception')).toEqual(['http.client']);
    expect(found('name:')).toEqual([]);
  });

  test('takes an unknown field as text', () => {
    expect(parseSearch('api/v1:run')).toEqual([{ kind: 'text', text: 'api/v1:run' }]);
    expect(parseSearch('foo:bar')).toEqual([{ kind: 'text', text: 'foo:bar' }]);
  });

  test('compares durations with and without unit, bounds included', () => {
    expect(found('>50ms')).toEqual(['http.request', 'http.client']);
    expect(found('>50.001ms')).toEqual(['http.request']);
    expect(found('<5')).toEqual(['db.query', 'lost']);
    expect(found('self>50000us')).toEqual(['http.client']);
  });

  test('finds errors, ids and the rows that hold a tag', () => {
    expect(found('error')).toEqual(['http.client']);
    expect(found('0000000000000003')).toEqual(['http.client']);
    expect(found('id:feed')).toEqual([]);
    expect(found('id:000000000000feed')).toEqual(['?']);
    expect(found('tag:7', new Set([1]))).toEqual(['db.query']);
    expect(found('tag:7')).toEqual([]);
  });

  test('for nothing finds nothing', () => {
    expect(found('')).toEqual([]);
    expect(found('  ')).toEqual([]);
  });

  test('takes any text as it is, without patterns', () => {
    expect(found('.*')).toEqual([]);
    expect(found('<img src=x onerror=1>')).toEqual([]);
  });
});

describe('pills', () => {
  const off = { errors: false, criticalPath: false, slowUs: undefined, services: [] };
  const { onPath } = criticalPath(trace);
  const names = (matches: Uint8Array | undefined): string[] | undefined =>
    matches && [...nodesOf(matches)].map((node) => trace.strings[trace.name[node]] ?? '?');

  test('that are all off filter nothing', () => {
    expect(filterByPills(trace, off, onPath)).toBeUndefined();
  });

  test('filter by errors, critical path, self time and service, together', () => {
    expect(names(filterByPills(trace, { ...off, errors: true }, onPath))).toEqual(['http.client']);
    expect(names(filterByPills(trace, { ...off, criticalPath: true }, onPath))).toEqual([
      'http.request',
      'db.query',
      'http.client',
    ]);
    const api = trace.strings.indexOf('api');
    expect(names(filterByPills(trace, { ...off, services: [api], slowUs: 5_000 }, onPath))).toEqual([
      'db.query',
      'http.client',
    ]);
    expect(names(filterByPills(trace, { ...off, services: [api], slowUs: 5_001 }, onPath))).toEqual(['http.client']);
  });

  test('call slow what is above both the 95th part and a hundredth of the trace', () => {
    expect(slowThresholdUs(trace)).toBe(50_000);
    expect(slowThresholdUs(arrange(tableOf([])))).toBe(1);
  });
});
