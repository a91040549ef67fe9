import { withoutTracing, type SpanData } from '@forge/core';
import { exportError, type Exporter } from '@forge/export';
import { answerError, createHttpSender, type TlsOptions } from '@forge/export/http';
import { encodeJaegerThrift, type JaegerBatch } from '@forge/formats';

export interface JaegerExporterOptions {
  /** `http://jaeger:14268/api/traces`; where it has no path, that one is meant. User and password may stand in it. */
  readonly endpoint: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: TlsOptions;
}

/**
 * Sends spans to Jaeger's collector as Thrift over HTTP, a request for each process that made some of them.
 * 429 and 5xx are tried again, anything but a success is given up. Opens nothing before the first batch.
 * Throws FORGE_EXPORT_OPTION_INVALID for an endpoint that is none.
 */
export function createJaegerExporter({ endpoint, ...options }: JaegerExporterOptions): Exporter {
  const sender = createHttpSender({ ...options, url: withPath(endpoint), contentType: 'application/x-thrift' });
  // What was taken of a batch whose other part failed: the queue sends the same batch again.
  const partlySent = new WeakMap<readonly SpanData[], { readonly batches: JaegerBatch[]; next: number }>();
  let closed = false;

  async function deliver(spans: readonly SpanData[], signal: AbortSignal): Promise<void> {
    const work = partlySent.get(spans) ?? { batches: encodeJaegerThrift(spans), next: 0 };
    if (work.batches.length > 1) partlySent.set(spans, work);
    for (; work.next < work.batches.length; work.next++) {
      const answer = await sender.post(work.batches[work.next].bytes, signal);
      const { status } = answer;
      if (status < 200 || status > 299)
        throw answerError(sender, answer, status === 429 || status === 408 || status >= 500);
    }
  }

  return {
    name: 'jaeger',
    async export(batch, signal) {
      if (closed) throw exportError('the exporter is shut down', { retryable: false });
      await withoutTracing(() => deliver(batch, signal));
      return { rejected: 0 };
    },
    async shutdown() {
      closed = true;
      sender.close();
    },
  };
}

function withPath(endpoint: string): string {
  if (!URL.canParse(endpoint)) return endpoint;
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = '/api/traces';
  return url.href;
}
