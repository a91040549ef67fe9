import { activeContext, type Propagation } from '@forge/core';
import { expect, it } from 'vitest';
import { sqlComment, takesSqlComment } from './sql-comment.ts';

function carrying(headers: Record<string, string>): Propagation {
  return {
    inject: (_context, set) => Object.entries(headers).forEach(([name, value]) => set(name, value)),
    extract: (context) => context,
    respond: () => undefined,
    heed: () => undefined,
  };
}

it('names the trace, keys sorted, values encoded, baggage left out', () => {
  const propagation = carrying({ tracestate: 'forge=k:1,a=b', traceparent: '00-aa-bb-01', baggage: 'user=ann' });
  expect(sqlComment(propagation, activeContext())).toBe(
    " /*traceparent='00-aa-bb-01',tracestate='forge%3Dk%3A1%2Ca%3Db'*/",
  );
});

it('is empty without a trace', () => {
  expect(sqlComment(carrying({}), activeContext())).toBe('');
});

it('cannot be ended by a value', () => {
  const comment = sqlComment(carrying({ tracestate: "x='*/ drop table users; --" }), activeContext());
  expect(comment.slice(3, -2)).not.toMatch(/\*|;|--\s/);
  expect(comment.split("'")).toHaveLength(3);
});

it('is not added to a statement that has one', () => {
  expect(takesSqlComment('select 1')).toBe(true);
  expect(takesSqlComment('select 1 /* own */')).toBe(false);
  expect(takesSqlComment('select 1 -- own')).toBe(false);
});
