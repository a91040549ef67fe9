import { isForgeError, type SpanData } from '@forge/core';
import { decodeAnyValue, encodeChromeTrace, encodeJaegerJson, encodeOtlpJson, encodeZipkinJson } from '@forge/formats';
import type { TraceStore } from '@forge/storage';
import { QueryErrors } from './errors.ts';
import { jsonDocuments } from './json-documents.ts';
import { choiceParameter, readParameters } from './parameters.ts';
import { missingParameter, ProblemError } from './problem.ts';
import { jsonResponse, JSON_TYPE } from './response.ts';
import type { Route } from './route.ts';
import { findTrace, readTraceId } from './trace-id.ts';

const ENCODERS = {
  otlp: encodeOtlpJson,
  zipkin: encodeZipkinJson,
  jaeger: encodeJaegerJson,
  chrome: encodeChromeTrace,
} satisfies Record<string, (spans: readonly SpanData[]) => string>;

const EXPORT_PARAMETERS = {
  format: choiceParameter(
    '`otlp` JSON, `zipkin` v2 JSON, the JSON of `jaeger`’s UI, or `chrome`’s trace events (for Perfetto).',
    Object.keys(ENCODERS) as (keyof typeof ENCODERS)[],
  ),
};

/** What an import did. */
export interface ImportJson {
  formats: string[];
  spans: number;
  stored: number;
  /** Spans that were stored before. */
  duplicates: number;
  /** Spans that are older than what is kept. */
  expired: number;
  /** Members that are no spans, and why the first was refused. */
  rejected: number;
  reason: string | null;
  /** Of the first 20 traces. */
  trace_ids: string[];
}

const SHOWN_TRACES = 20;
const BATCH_SPANS = 5000;

/** Traces out to other tools, and in from them. */
export function transferRoutes(retention: string | undefined, maxImportBytes: number): Route[] {
  return [
    {
      method: 'GET',
      pattern: '/traces/{id}/export',
      access: 'read',
      summary: 'One trace in a format of other tools, as a file',
      parameters: EXPORT_PARAMETERS,
      pathParameters: { id: 'The trace’s id: 32 hexadecimal digits (16 of an old client).' },
      answer: { contentType: 'application/json', description: 'The file.' },
      problems: [404],
      async handle({ url, path, store, nowUnixUs }) {
        const { format } = readParameters(url.searchParams, EXPORT_PARAMETERS, nowUnixUs);
        if (format === undefined) throw missingParameter('format', EXPORT_PARAMETERS.format.allowed);
        const { traceId, spans } = await findTrace(store, readTraceId(path['id']), retention);
        return new Response(ENCODERS[format](spans), {
          headers: {
            'content-type': JSON_TYPE,
            'content-disposition': `attachment; filename="${traceId}.${format}.json"`,
          },
        });
      },
    },
    {
      method: 'POST',
      pattern: '/import',
      access: 'write',
      summary: 'Stores the spans of a file: OTLP JSON, Zipkin JSON, or the JSON of Jaeger’s UI',
      description:
        `The format is found out by the content. The body is read as it comes, up to a configured number of bytes unpacked; \`content-encoding: gzip\` is understood. ` +
        'A span that is stored already stays as it was, so a file that broke off can be sent again.',
      parameters: {},
      answer: { schema: 'Import' },
      problems: [413],
      isUnbounded: true,
      body: { contentType: 'application/json', description: 'The file; several JSON documents may follow each other.' },
      async handle({ url, request, store, nowUnixUs, signal }) {
        readParameters(url.searchParams, {}, nowUnixUs);
        return jsonResponse(await importBody(store, request, maxImportBytes, signal));
      },
    },
  ];
}

async function importBody(
  store: TraceStore,
  request: Request,
  maxBytes: number,
  signal: AbortSignal,
): Promise<ImportJson> {
  const result: ImportJson = {
    formats: [],
    spans: 0,
    stored: 0,
    duplicates: 0,
    expired: 0,
    rejected: 0,
    reason: null,
    trace_ids: [],
  };
  try {
    for await (const document of jsonDocuments(bodyOf(request, maxBytes))) {
      const { format, spans, rejected, reason } = decodeAnyValue(JSON.parse(document));
      if (!result.formats.includes(format)) result.formats.push(format);
      result.rejected += rejected;
      result.reason ??= reason ?? null;
      for (let from = 0; from < spans.length; from += BATCH_SPANS)
        await writeBatch(store, spans.slice(from, from + BATCH_SPANS), result, signal);
    }
  } catch (error) {
    throw afterSoMany(error, result.spans);
  }
  if (result.formats.length === 0) throw new ProblemError(400, QueryErrors.invalidBody, 'the body is empty');
  return result;
}

async function writeBatch(
  store: TraceStore,
  batch: SpanData[],
  result: ImportJson,
  signal: AbortSignal,
): Promise<void> {
  const { stored, duplicates, expired } = await store.write(batch, signal);
  result.spans += batch.length;
  result.stored += stored;
  result.duplicates += duplicates;
  result.expired += expired;
  for (const { traceId } of batch) {
    if (result.trace_ids.length >= SHOWN_TRACES) break;
    if (!result.trace_ids.includes(traceId)) result.trace_ids.push(traceId);
  }
}

/** What is wrong with the body, and how much of it was stored before that was seen. */
function afterSoMany(error: unknown, spans: number): unknown {
  const before = spans === 0 ? '' : `; the ${spans} spans before it are stored`;
  if (error instanceof SyntaxError)
    return new ProblemError(400, QueryErrors.invalidBody, `no JSON: ${error.message}${before}`);
  if (isForgeError(error, 'FORGE_FORMAT_TOO_LARGE'))
    return new ProblemError(413, QueryErrors.tooLarge, error.message + before);
  if (isForgeError(error) && error.code.startsWith('FORGE_FORMAT_'))
    return new ProblemError(400, QueryErrors.invalidBody, `no trace file: ${error.message}${before}`);
  if (error instanceof ProblemError) return new ProblemError(error.status, error.code, error.message + before);
  // The decompressor's own: it names no reason worth showing.
  if (error instanceof TypeError && (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE')
    return error;
  if ((error as NodeJS.ErrnoException | undefined)?.code?.startsWith('Z_') === true)
    return new ProblemError(400, QueryErrors.invalidBody, `the body is not what its content-encoding says${before}`);
  return error;
}

async function* bodyOf(request: Request, maxBytes: number): AsyncGenerator<Uint8Array> {
  if (request.body === null) return;
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new ProblemError(
      415,
      QueryErrors.invalidBody,
      `content-encoding: ${encoding} is not allowed; allowed: gzip, or none`,
    );
  const bytes = encoding === 'gzip' ? request.body.pipeThrough(new DecompressionStream('gzip')) : request.body;
  let total = 0;
  for await (const chunk of bytes) {
    total += chunk.byteLength;
    if (total > maxBytes)
      throw new ProblemError(
        413,
        QueryErrors.tooLarge,
        `the body is longer than ${maxBytes} bytes; "forge import" takes files of any size`,
      );
    yield chunk;
  }
}
