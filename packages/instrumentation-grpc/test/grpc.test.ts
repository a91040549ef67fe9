import * as grpcJs from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { activeContext, Decision, Kind, type Span, spanOf, Status } from '@forge/core';
import { createRegistry } from '@forge/instrumentation';
import { createPropagation } from '@forge/propagation';
import { createRecorder, type Recorder } from '@forge/testing';
import { grpc } from '../src/index.ts';
import { OrdersClient, serveOrders } from './orders-service.ts';

type Get = grpcJs.handleUnaryCall<unknown, unknown>;
type Call = (request: unknown, metadata: grpcJs.Metadata, callback: (error: unknown) => void) => void;

const activeSpan = (): Span => spanOf(activeContext()) as Span;

function startTracing(): Recorder {
  const recorder = createRecorder();
  const registry = createRegistry({
    provider: recorder.provider,
    propagation: createPropagation({ trusted: () => true }),
    diagnostics: recorder.diagnostics,
    // As when it is both required and imported.
    onModule: (name, patch) => {
      patch(grpcJs, { name, version: undefined, kind: 'cjs' });
      patch({ ...grpcJs }, { name, version: undefined, kind: 'esm' });
      return () => undefined;
    },
  });
  registry.enable([grpc()]);
  onTestFinished(() => registry.disable());
  return recorder;
}

/** One call of a server with this handler; resolves with the error that the caller got. */
async function callOnce(handler: Get, metadata = new grpcJs.Metadata()): Promise<unknown> {
  const { server, address } = await serveOrders({ Get: handler });
  const client = new OrdersClient(address, grpcJs.credentials.createInsecure());
  onTestFinished(() => {
    client.close();
    server.forceShutdown();
  });
  return new Promise((resolve) => (client['Get'] as Call).call(client, {}, metadata, resolve));
}

const refusal = (code: grpcJs.status): object => ({ code, details: 'because' });

describe('a call', () => {
  it('is traced once where the library is reached twice', async () => {
    const recorder = startTracing();
    await callOnce((_, callback) => callback(null, {}));
    await recorder.ended(2);
    expect(recorder.tree()).toEqual(['grpc.call shop.Orders/Get', '  grpc.call shop.Orders/Get']);
  });

  it('is an error to its caller with any code but OK, and to the server only with its own failures', async () => {
    const codes = Object.values(grpcJs.status).filter((code) => typeof code === 'number');
    const failed: Record<string, string[]> = { client: [], server: [] };
    for (const code of codes) {
      const recorder = startTracing();
      await callOnce((_, callback) => callback(code === 0 ? null : refusal(code), {}));
      await recorder.ended(2);
      for (const span of recorder.spans)
        if (span.status === Status.error)
          failed[span.kind === Kind.client ? 'client' : 'server'].push(String(recorder.tags(span)['status']));
    }
    expect(failed['client']).toEqual(codes.slice(1).map((code) => grpcJs.status[code]));
    expect(failed['server']).toEqual([
      'UNKNOWN',
      'DEADLINE_EXCEEDED',
      'UNIMPLEMENTED',
      'INTERNAL',
      'UNAVAILABLE',
      'DATA_LOSS',
    ]);
  });

  it('says why it failed', async () => {
    const recorder = startTracing();
    await callOnce((_, callback) => callback(refusal(grpcJs.status.INTERNAL)));
    await recorder.ended(2);
    for (const span of recorder.spans) {
      expect(span.statusMessage).toBe('INTERNAL: because');
      expect(span.events[0].attributes).toEqual(expect.arrayContaining(['exception.type', 'INTERNAL', 'because', 13]));
    }
  });

  it('shows nothing of its metadata and its messages', async () => {
    const recorder = startTracing();
    const metadata = new grpcJs.Metadata();
    metadata.set('authorization', 'Bearer PLANTED');
    metadata.set('cookie', 'PLANTED');
    const trailers = new grpcJs.Metadata();
    trailers.set('x-token', 'PLANTED');
    await callOnce((_, callback) => callback(null, { card: 'PLANTED' }, trailers), metadata);
    await recorder.ended(2);
    expect(JSON.stringify(recorder.spans.map(({ attributes, events }) => [attributes, events]))).not.toContain(
      'PLANTED',
    );
  });

  it("leaves the application's metadata as it was, and sends its own context in its place", async () => {
    const recorder = startTracing();
    const metadata = new grpcJs.Metadata();
    metadata.set('traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
    await callOnce((_, callback) => callback(null, {}), metadata);
    await recorder.ended(2);
    // The caller's own span takes the place of what it had set by hand.
    const [server, client] = recorder.spans;
    expect(server.parentSpanId).toBe(client.spanId);
    expect(metadata.get('traceparent')).toEqual(['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01']);
  });

  it('tells its caller in the trailers that its trace is kept', async () => {
    const recorder = startTracing();
    const trailers = new grpcJs.Metadata();
    trailers.set('took', '1');
    await callOnce((_, callback) => {
      activeSpan().trace.keep('slow');
      callback(null, {}, trailers);
    });
    await recorder.ended(2);
    const [server, client] = recorder.spans;
    expect([server.trace.keepReason, client.trace.decision, client.trace.keepReason]).toEqual([
      'slow',
      Decision.kept,
      'peer',
    ]);
    expect(trailers.getMap()).toEqual({ took: '1' });
  });

  it('is never slow where it streams', async () => {
    const recorder = startTracing();
    const exempt: boolean[] = [];
    const note = (): void => void exempt.push(activeSpan().trace.slowExempt);
    const { server, address } = await serveOrders({
      Get: ((_, callback) => {
        note();
        callback(null, {});
      }) as Get,
      List: ((call) => {
        note();
        call.end();
      }) as grpcJs.handleServerStreamingCall<unknown, unknown>,
    });
    const client = new OrdersClient(address, grpcJs.credentials.createInsecure());
    onTestFinished(() => {
      client.close();
      server.forceShutdown();
    });
    await new Promise((resolve) => (client['Get'] as Call).call(client, {}, new grpcJs.Metadata(), resolve));
    (client['List'] as (request: unknown) => grpcJs.ClientReadableStream<unknown>)({}).resume();
    await recorder.ended(4);
    expect(exempt).toEqual([false, true]);
  });
});
