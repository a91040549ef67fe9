import { exportError, type Exporter } from '@forge/export';
import { answerError, createHttpSender, type TlsOptions } from '@forge/export/http';
import { encodeZipkinJson } from '@forge/formats';

export interface ZipkinExporterOptions {
  /** `http://zipkin:9411/api/v2/spans`; where it has no path, that one is meant. */
  readonly endpoint: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default `none`. */
  readonly compression?: 'gzip' | 'none';
  readonly tls?: TlsOptions;
}

/**
 * Sends spans to Zipkin as its v2 JSON. 202 is a success; 429 and 5xx are tried again, anything else is given up.
 * Opens nothing before the first batch. Throws FORGE_EXPORT_OPTION_INVALID for an endpoint that is none.
 */
export function createZipkinExporter({ endpoint, ...options }: ZipkinExporterOptions): Exporter {
  const sender = createHttpSender({ ...options, url: withPath(endpoint), contentType: 'application/json' });
  let closed = false;
  return {
    name: 'zipkin',
    async export(batch, signal) {
      if (closed) throw exportError('the exporter is shut down', { retryable: false });
      const answer = await sender.post(encodeZipkinJson(batch), signal);
      const { status } = answer;
      if (status < 200 || status > 299)
        throw answerError(sender, answer, status === 429 || status === 408 || status >= 500);
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
  if (url.pathname === '/') url.pathname = '/api/v2/spans';
  return url.href;
}
