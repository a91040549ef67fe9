import http, { type IncomingMessage, type RequestOptions, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import type { Span } from '@forge/core';
import { createRegistry, type InstrumentationRegistry } from '@forge/instrumentation';
import { createPropagation } from '@forge/propagation';
import { createRecorder, type Recorder } from '@forge/testing';
import { http as httpPlugin, type HttpOptions } from '../src/index.ts';

export interface Tracing {
  readonly recorder: Recorder;
  readonly registry: InstrumentationRegistry;
}

/** The plugin on a recording tracer, for the rest of the test. Everybody is trusted. */
export function startTracing(options?: HttpOptions): Tracing {
  const recorder = createRecorder();
  const registry = createRegistry({
    provider: recorder.provider,
    propagation: createPropagation({ trusted: () => true }),
    diagnostics: recorder.diagnostics,
  });
  registry.enable([httpPlugin(options)]);
  onTestFinished(() => registry.disable());
  return { recorder, registry };
}

/** Listens on a free port until the end of the test; returns the port. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export async function ask(port: number, path: string, options: RequestOptions = {}, body?: string): Promise<Answer> {
  const request = http.request({ host: '127.0.0.1', port, path, ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response) text += String(piece);
  return { status: response.statusCode, headers: response.headers, body: text };
}

/** Sends bytes as they are, and returns all that comes back until the server closes the connection. */
export async function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  let text = '';
  for await (const piece of socket) text += String(piece);
  return text;
}

/** The spans of served requests, in the order of their ends. */
export function served(recorder: Recorder): Span[] {
  return recorder.spans.filter((span) => span.name === 'http.request');
}
