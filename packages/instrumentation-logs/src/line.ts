import { activeContext, isAttributeValue, isSuppressed, Span, spanOf } from '@forge/core';
import { activeHost, type InstrumentationHost } from '@forge/instrumentation';
import type { Attributes } from '@opentelemetry/api';
import { settingsOf, severityOf } from './options.ts';

/** The active trace and span, as fields of a structured log line. */
export interface TraceFields {
  /** 32 hex digits. */
  readonly trace_id: string;
  /** 16 hex digits. */
  readonly span_id: string;
}

const MAX_FIELDS = 32;
const MAX_JSON_LENGTH = 1024;

let dropped = 0;

/** Lines that found their span full, in this process. */
export function droppedLines(): number {
  return dropped;
}

/** The ids to write into a log line; undefined outside of any span, and while the plugin does not run. */
export function traceFields(): TraceFields | undefined {
  return activeHost('logs') === undefined ? undefined : fieldsOfActiveSpan();
}

function fieldsOfActiveSpan(): TraceFields | undefined {
  const context = activeContext();
  if (isSuppressed(context)) return undefined;
  const span = spanOf(context)?.spanContext();
  return span === undefined || !isValid(span.traceId) ? undefined : { trace_id: span.traceId, span_id: span.spanId };
}

function isValid(traceId: string): boolean {
  return traceId.length === 32 && traceId !== '0'.repeat(32);
}

/**
 * Writes a line into the active span's logs: for loggers that this package does not know. Does nothing outside of a
 * recording span, below the lowest level, and while the plugin does not run. Never throws.
 */
export function logLine(level: string, message: unknown, fields?: Readonly<Record<string, unknown>>): void {
  const host = activeHost('logs');
  if (host !== undefined) captureLine(host, level, () => message, fields);
}

/** @param message made only if the line is kept */
export function captureLine(
  host: InstrumentationHost,
  level: string,
  message: () => unknown,
  fields?: object | null,
): void {
  const settings = settingsOf(host);
  if (settings === undefined || !settings.capture || severityOf(level) < settings.minSeverity) return;
  const context = activeContext();
  const span = spanOf(context);
  if (!(span instanceof Span) || isSuppressed(context)) return;
  try {
    if (!span.isRecording()) return;
    if (span.events.length >= settings.maxLinesPerSpan) {
      span.droppedEvents++;
      dropped++;
      return;
    }
    const attributes: Attributes = {};
    for (const [key, value] of Object.entries(fields ?? {}).slice(0, MAX_FIELDS)) {
      const attribute = toAttribute(value);
      if (attribute !== undefined) attributes[key] = attribute;
    }
    // Last, so that no field takes their place.
    attributes['level'] = level;
    attributes['message'] = textOf(message());
    span.addEvent('log', attributes);
  } catch (fault) {
    host.fail('log line', fault);
  }
}

function textOf(message: unknown): string {
  if (typeof message === 'string') return message;
  if (message instanceof Error) return `${message.name}: ${message.message}`;
  return message === undefined ? '' : String(toAttribute(message));
}

/** Primitives as they are, errors by name and message, the rest as JSON of 1,024 characters at most. */
function toAttribute(value: unknown): Attributes[string] {
  if (value === undefined || value === null) return undefined;
  if (isAttributeValue(value)) return value as Attributes[string];
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value === 'bigint' || typeof value === 'symbol') return value.toString();
  if (typeof value === 'function') return undefined;
  try {
    return JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'bigint' ? inner.toString() : inner,
    )?.slice(0, MAX_JSON_LENGTH);
  } catch {
    return undefined; // a cycle, a getter that throws: a field is not worth an exception
  }
}
