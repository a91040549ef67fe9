import { answerError, createHttpSender } from '@forge/export/http';
import { decodeOtlpJsonResponse, decodeOtlpResponse } from '@forge/formats';
import type { OtlpExporterOptions, OtlpTransport } from './options.ts';

// https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
const RETRYABLE = new Set([429, 502, 503, 504]);

/** OTLP over HTTP, with protobuf or JSON bodies. */
export function createHttpTransport(options: OtlpExporterOptions): OtlpTransport {
  const json = options.protocol === 'http/json';
  const sender = createHttpSender({
    url: withPath(options.endpoint),
    contentType: json ? 'application/json' : 'application/x-protobuf',
    ...(options.headers === undefined ? {} : { headers: options.headers }),
    ...(options.compression === undefined ? {} : { compression: options.compression }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  return {
    async send(body, signal) {
      const answer = await sender.post(body, signal);
      if (answer.status < 200 || answer.status > 299) throw answerError(sender, answer, RETRYABLE.has(answer.status));
      const partial = json ? decodeOtlpJsonResponse(answer.body.toString('utf8')) : decodeOtlpResponse(answer.body);
      return { rejected: partial?.rejectedSpans ?? 0, ...(partial?.message ? { message: partial.message } : {}) };
    },
    close: () => sender.close(),
  };
}

function withPath(endpoint: string): string {
  if (!URL.canParse(endpoint)) return endpoint;
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}
