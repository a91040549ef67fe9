import type { Exporter } from '@forge/export';
import { decodeOtlpProtobuf } from '@forge/formats';
import { makeSpan } from '@forge/testing';
import { ServerCredentials } from '@grpc/grpc-js';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createGrpcBackend } from '../test/grpc-backend.ts';
import { otlpTlsFromEnvironment } from './environment.ts';
import { createOtlpExporter } from './otlp-exporter.ts';

const path = (name: string) => join(import.meta.dirname, '../test/fixtures', name);
const pem = (name: string) => readFileSync(path(name));
const CLIENT = { ca: pem('ca.crt'), cert: pem('client.crt'), key: pem('client.key') };

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** Servers that ask for a client certificate; they give the endpoint and how many spans came. */
const SERVERS = {
  async grpc() {
    const credentials = ServerCredentials.createSsl(
      pem('ca.crt'),
      [{ cert_chain: pem('server.crt'), private_key: pem('server.key') }],
      true,
    );
    let endpoint = '';
    const backend = await createGrpcBackend((url) => ((endpoint = url), undefined as unknown as Exporter), {
      credentials,
    });
    backend.createExporter();
    cleanUps.push(() => backend.close());
    return { endpoint, received: async () => (await backend.received()).length };
  },
  async 'http/protobuf'() {
    let received = 0;
    const server = createServer(
      { ca: pem('ca.crt'), cert: pem('server.crt'), key: pem('server.key'), requestCert: true },
      (request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          received += decodeOtlpProtobuf(Buffer.concat(chunks)).spans.length;
          response.end();
        });
      },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanUps.push(() => void server.close());
    return { endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, received: async () => received };
  },
};

describe.each(['grpc', 'http/protobuf'] as const)('TLS by %s', (protocol) => {
  const send = async (endpoint: string, tls: object | undefined) => {
    const exporter = createOtlpExporter({ endpoint, protocol, ...(tls === undefined ? {} : { tls }) });
    cleanUps.unshift(() => exporter.shutdown());
    return exporter.export([makeSpan()], AbortSignal.timeout(5000));
  };

  it("sends with the client's certificate to a server of a private authority", async () => {
    const { endpoint, received } = await SERVERS[protocol]();
    await send(endpoint, CLIENT);
    expect(await received()).toBe(1);
  });

  it.each([
    ['the authority is not trusted', undefined],
    ['the server asks for a certificate', { ca: CLIENT.ca }],
  ])('sends nothing where %s', async (_what, tls) => {
    const { endpoint, received } = await SERVERS[protocol]();
    await expect(send(endpoint, tls)).rejects.toMatchObject({ name: 'ForgeError', retryable: true });
    expect(await received()).toBe(0);
  });
});

describe("OpenTelemetry's variables", () => {
  it('name the files of certificates, those for traces before the general ones', () => {
    const env = {
      OTEL_EXPORTER_OTLP_CERTIFICATE: path('server.crt'),
      OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: path('ca.crt'),
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: path('client.crt'),
      OTEL_EXPORTER_OTLP_CLIENT_KEY: path('client.key'),
    };
    expect(otlpTlsFromEnvironment(env)).toEqual({
      ca: String(CLIENT.ca),
      cert: String(CLIENT.cert),
      key: String(CLIENT.key),
    });
    expect(otlpTlsFromEnvironment({})).toBeUndefined();
  });

  it('are named where a file cannot be read', () => {
    expect(() => otlpTlsFromEnvironment({ OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere' })).toThrow(
      'OTEL_EXPORTER_OTLP_CERTIFICATE=/nowhere cannot be read',
    );
  });
});
