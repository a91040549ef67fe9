import { Status, type SpanData, type SpanEvent, type SpanLink } from '@forge/core';
import { attributesJson, cleanText, stringJson, type Alterations } from './json.ts';
import type { RowBuffer } from './row-buffer.ts';
import { clampDurationUs, clampUnixUs, isoMicros } from './time.ts';

/** The columns that `encodeSpan` writes, in its order. */
export const SPAN_COLUMNS =
  'trace_id, span_id, parent_span_id, operation_name, service_name, node_id, start_time, duration_ms, status, ' +
  'status_message, tags, logs, resource, duration_us, kind, weight, origin_id, links, trace_state, extra';
const FIELDS = 20;

/** Flags that are not written: sampled, and a random trace id. */
export const USUAL_FLAGS = 3;
const MAX_DURATION_MS = 2_147_483_647;

/** Appends one row of forge_traces. `originId`: the 8 bytes of its bigint. */
export function encodeSpan(rows: RowBuffer, span: SpanData, originId: Uint8Array, counts: Alterations): void {
  rows.row(FIELDS);
  rows.text(span.traceId);
  rows.text(span.spanId);
  optionalText(rows, span.parentSpanId);
  rows.text(varchar(span.name, 255, counts));
  rows.text(varchar(span.origin.serviceName, 100, counts));
  const node = uuidBytes(span.origin.nodeId);
  if (node === undefined) rows.null();
  else rows.raw(node);
  const startUs = clampUnixUs(span.startUnixUs);
  const durationUs = clampDurationUs(span.durationUs);
  if (startUs !== span.startUnixUs || durationUs !== span.durationUs) counts.clamped++;
  rows.time(startUs);
  rows.int32(Math.min(Math.round(durationUs / 1000), MAX_DURATION_MS));
  rows.text(span.status === Status.error ? 'error' : 'ok');
  if (span.statusMessage === undefined) rows.null();
  else rows.text(cleanText(span.statusMessage, counts));
  rows.jsonb(attributesJson(span.attributes, counts));
  rows.jsonb(logsJson(span.events, counts));
  rows.text(varchar(span.resource, 255, counts));
  rows.int64(durationUs);
  rows.int16(span.kind >= 0 && span.kind <= 4 ? span.kind : 0);
  rows.float32(span.weight);
  rows.raw(originId);
  if (span.links.length === 0) rows.null();
  else rows.jsonb(linksJson(span.links, counts));
  if (span.traceState === undefined) rows.null();
  else rows.text(cleanText(span.traceState, counts));
  const extra = extraJson(span);
  if (extra === undefined) rows.null();
  else rows.jsonb(extra);
}

function optionalText(rows: RowBuffer, text: string | undefined): void {
  if (text === undefined) rows.null();
  else rows.text(text);
}

/** `text` as a VARCHAR(max) holds it. PostgreSQL counts characters, this UTF-16 units: never more than it allows. */
export function varchar(text: string, max: number, counts: Alterations): string {
  const clean = cleanText(text, counts);
  if (clean.length <= max) return clean;
  counts.cut++;
  const last = clean.charCodeAt(max - 1);
  return clean.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const uuids = new Map<string, Uint8Array | undefined>();

/** The 16 bytes of a lower-case UUID; undefined for anything else. Processes are few: their ids are remembered. */
export function uuidBytes(id: string | undefined): Uint8Array | undefined {
  if (id === undefined) return undefined;
  if (uuids.has(id)) return uuids.get(id);
  const bytes = UUID.test(id) ? Buffer.from(id.replaceAll('-', ''), 'hex') : undefined;
  if (uuids.size >= 1000) uuids.clear();
  uuids.set(id, bytes);
  return bytes;
}

function logsJson(events: readonly SpanEvent[], counts: Alterations): string {
  if (events.length === 0) return '[]';
  let json = '[';
  for (const event of events) {
    const unixUs = clampUnixUs(event.unixUs);
    if (json.length > 1) json += ',';
    json += `{"time":"${isoMicros(unixUs)}","name":${stringJson(event.name, counts)},"attributes":${attributesJson(event.attributes, counts)}`;
    json += event.droppedAttributes > 0 ? `,"dropped_attributes":${event.droppedAttributes}}` : '}';
  }
  return `${json}]`;
}

function linksJson(links: readonly SpanLink[], counts: Alterations): string {
  const written = links.map((link) => {
    let json = `{"trace_id":${stringJson(link.traceId, counts)},"span_id":${stringJson(link.spanId, counts)}`;
    if (link.traceState !== undefined) json += `,"trace_state":${stringJson(link.traceState, counts)}`;
    if (link.flags !== 0) json += `,"flags":${link.flags}`;
    if (link.attributes.length > 0) json += `,"attributes":${attributesJson(link.attributes, counts)}`;
    return link.droppedAttributes > 0 ? `${json},"dropped_attributes":${link.droppedAttributes}}` : `${json}}`;
  });
  return `[${written.join(',')}]`;
}

/** What few spans have; undefined for the others. */
function extraJson(span: SpanData): string | undefined {
  const { flags, status, droppedAttributes, droppedEvents, droppedLinks } = span;
  if (flags === USUAL_FLAGS && status !== Status.ok && droppedAttributes + droppedEvents + droppedLinks === 0)
    return undefined;
  const members: string[] = [];
  if (flags !== USUAL_FLAGS) members.push(`"flags":${flags}`);
  if (status === Status.ok) members.push('"status":"ok"');
  if (droppedAttributes > 0) members.push(`"dropped_attributes":${droppedAttributes}`);
  if (droppedEvents > 0) members.push(`"dropped_events":${droppedEvents}`);
  if (droppedLinks > 0) members.push(`"dropped_links":${droppedLinks}`);
  return `{${members.join(',')}}`;
}
