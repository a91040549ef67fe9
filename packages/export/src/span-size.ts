import type { AttributeList, SpanData } from '@forge/core';

// Measured on heap snapshots of Node 20: a Span with its trace's share is about 500 bytes, an event or link about 150.
const SPAN_BYTES = 512;
const PART_BYTES = 160;
const PAIR_BYTES = 24;

/** About how much memory `span` holds on to, in bytes. Looks at lengths only, so it costs some nanoseconds a tag. */
export function estimateSpanBytes(span: SpanData): number {
  let bytes = SPAN_BYTES + span.name.length + listBytes(span.attributes);
  if (span.statusMessage !== undefined) bytes += span.statusMessage.length;
  const { events, links } = span;
  for (const event of events) bytes += PART_BYTES + event.name.length + listBytes(event.attributes);
  for (const link of links) bytes += PART_BYTES + listBytes(link.attributes);
  return bytes;
}

function listBytes(list: AttributeList): number {
  let bytes = 0;
  for (let i = 0; i < list.length; i += 2) bytes += PAIR_BYTES + valueBytes(list[i + 1], 0);
  return bytes;
}

function valueBytes(value: unknown, depth: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (depth > 4) return PART_BYTES;
  let bytes = 16;
  if (Array.isArray(value)) for (const item of value) bytes += 8 + valueBytes(item, depth + 1);
  else
    for (const key in value)
      bytes += PAIR_BYTES + key.length + valueBytes((value as Record<string, unknown>)[key], depth + 1);
  return bytes;
}
