import type { TraceQuery } from '@forge/storage';
import type { Bindings } from './bindings.ts';

/** The conditions of a query on one span `t` of forge_traces, as SQL; empty where it has none. */
export function spanConditions(query: TraceQuery, bind: Bindings): string[] {
  const conditions: string[] = [];
  if (query.operation !== undefined) {
    const operation = bind.add(query.operation);
    conditions.push(`(t.operation_name = ${operation} OR t.resource = ${operation})`);
  }
  if (query.service !== undefined) conditions.push(`t.service_name = ${bind.add(query.service)}`);
  if (query.minDurationUs !== undefined) conditions.push(`t.duration_us >= ${bind.add(query.minDurationUs, 'bigint')}`);
  if (query.maxDurationUs !== undefined) conditions.push(`t.duration_us <= ${bind.add(query.maxDurationUs, 'bigint')}`);
  if (query.status === 'error') conditions.push(`t.status = 'error'`);
  if (query.status === 'ok') conditions.push(`t.status IS DISTINCT FROM 'error'`);
  if (query.startUnixUs !== undefined) conditions.push(`t.start_time >= ${bind.time(query.startUnixUs)}`);
  if (query.endUnixUs !== undefined) conditions.push(`t.start_time < ${bind.time(query.endUnixUs)}`);
  for (const [key, value] of query.tags ?? []) conditions.push(tagCondition(key, value, bind));
  if (query.text !== undefined) conditions.push(textCondition(query.text, bind));
  return conditions;
}

/** A tag with this value, or an array with it as an element. `@>` so that an index on tags can answer. */
function tagCondition(key: string, value: string, bind: Bindings): string {
  const forms: unknown[] = [value];
  if (value === 'true' || value === 'false') forms.push(value === 'true');
  const number = Number(value);
  // Only the number's own text: `1.50` and `0x10` are no numbers' JSON.
  if (value !== '' && Number.isFinite(number) && String(number) === value) forms.push(number);
  const contained = forms.flatMap((form) => [{ [key]: form }, { [key]: [form] }]);
  return `(${contained.map((object) => `t.tags @> ${bind.add(JSON.stringify(object), 'jsonb')}`).join(' OR ')})`;
}

/**
 * A part of the name, resource, status message or a tag's value, whatever the case. Of ASCII text by bytes, which is
 * several times quicker; of other text by the database's own rules for upper and lower case.
 */
function textCondition(text: string, bind: Bindings): string {
  const collation = /^[\u0020-\u007e]*$/.test(text) ? ' COLLATE "C"' : '';
  const part = `lower(${bind.add(text)}${collation})`;
  const has = (column: string) => `strpos(lower(${column}${collation}), ${part}) > 0`;
  const inTags = `EXISTS (SELECT FROM jsonb_each_text(t.tags) AS tag WHERE ${has('tag.value')})`;
  return `(${has('t.operation_name')} OR ${has('t.resource')} OR ${has('t.status_message')} OR ${inTags})`;
}
