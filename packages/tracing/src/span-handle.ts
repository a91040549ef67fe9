import { isAttributeValue, Span as CoreSpan, type AttributeValue } from '@forge/core';
import { SpanStatusCode, type Attributes, type Exception, type Span as ApiSpan } from '@opentelemetry/api';

/** What `record` takes: attribute values as they are; dates as ISO text, bigints as digits, other objects as JSON; undefined is left out. */
export type TagValue = AttributeValue | bigint | Date | object | null | undefined;

/** Tags by name. */
export type Tags = Readonly<Record<string, TagValue>>;

const MAX_JSON_LENGTH = 4096;

/** A span in the hands of application code. Every method is safe on an ended, unsampled or missing span: it does nothing then. */
export class SpanHandle {
  /** The OpenTelemetry span behind it. */
  readonly otel: ApiSpan;

  constructor(otel: ApiSpan) {
    this.otel = otel;
  }

  /** 32 hex digits; zeros where there is no trace. */
  get traceId(): string {
    return this.otel.spanContext().traceId;
  }

  /** 16 hex digits; zeros where there is no span. */
  get spanId(): string {
    return this.otel.spanContext().spanId;
  }

  /** Sets a tag, or several. The last value of a key stands. */
  record(key: string, value: TagValue): this;
  record(tags: Tags): this;
  record(keyOrTags: string | Tags, value?: TagValue): this {
    if (!this.otel.isRecording()) return this;
    if (typeof keyOrTags === 'string') this.#set(keyOrTags, value);
    else for (const key of Object.keys(keyOrTags)) this.#set(key, keyOrTags[key]);
    return this;
  }

  /** Writes a line into the span's logs, at this moment. */
  log(message: string, fields: Tags = {}, level = 'info'): this {
    if (!this.otel.isRecording()) return this;
    const attributes: Attributes = { level, message };
    for (const key of Object.keys(fields)) {
      const value = toAttribute(fields[key]);
      if (value !== undefined) attributes[key] = value;
    }
    this.otel.addEvent('log', attributes);
    return this;
  }

  /** Marks the span as failed: status error, the exception in its logs. Anything that can be thrown may be given. */
  fail(error: unknown): this {
    if (this.otel instanceof CoreSpan) {
      this.otel.fail(error);
      return this;
    }
    this.otel.recordException(error as Exception);
    this.otel.setStatus({
      code: SpanStatusCode.ERROR,
      message: error instanceof Error ? error.message : String(error),
    });
    return this;
  }

  /** Ends a span that `span(name)` started; those with a function end by themselves. */
  end(): void {
    this.otel.end();
  }

  #set(key: string, value: TagValue): void {
    const attribute = toAttribute(value);
    if (attribute !== undefined) this.otel.setAttribute(key, attribute);
  }
}

function toAttribute(value: TagValue): Attributes[string] {
  if (value === undefined || value === null) return undefined;
  if (isAttributeValue(value)) return value as Attributes[string];
  if (typeof value === 'bigint') return value.toString();
  try {
    if (value instanceof Date) return value.toISOString();
    return JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'bigint' ? inner.toString() : inner,
    )?.slice(0, MAX_JSON_LENGTH);
  } catch {
    return undefined; // a cycle, an invalid date, a getter that throws: a tag is not worth an exception
  }
}
