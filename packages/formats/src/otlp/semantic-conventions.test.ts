import { attributesToObject, Kind, Status } from '@forge/core';
import { makeSpan } from '@forge/testing';
import { describe, expect, it } from 'vitest';
import { decodeOtlpProtobuf } from './decode-protobuf.ts';
import { encodeOtlpProtobuf } from './encode-protobuf.ts';
import type { SemconvMode } from './semantic-conventions.ts';

function sent(
  mode: SemconvMode,
  fields: Parameters<typeof makeSpan>[0],
  scope = '@forge/instrumentation-http',
): Record<string, unknown> {
  const span = makeSpan({ scope: { name: scope, version: undefined, attributes: [] }, ...fields });
  return attributesToObject(decodeOtlpProtobuf(encodeOtlpProtobuf([span], { semconv: mode })).spans[0].attributes);
}

const REQUEST = {
  name: 'http.request',
  resource: 'POST /api/orders',
  kind: Kind.server,
  attributes: ['method', 'POST', 'path', '/api/orders', 'status', 201],
} as const;

describe("OpenTelemetry's attributes", () => {
  it('stand beside the tags, in their place, or not at all', () => {
    const own = { method: 'POST', path: '/api/orders', status: 201 };
    const stable = { 'http.request.method': 'POST', 'url.path': '/api/orders', 'http.response.status_code': 201 };
    expect(sent('add', REQUEST)).toEqual({ ...own, ...stable });
    expect(sent('only', REQUEST)).toEqual(stable);
    expect(sent('off', REQUEST)).toEqual(own);
  });

  it("are those of Forge's own instrumentations alone", () => {
    expect(sent('add', REQUEST, 'my-lib')).toEqual({ method: 'POST', path: '/api/orders', status: 201 });
  });

  it.each([
    [
      { name: 'http.client', resource: 'api.example.com:8443', attributes: ['url', 'https://api.example.com:8443/x'] },
      { 'url.full': 'https://api.example.com:8443/x', 'server.address': 'api.example.com', 'server.port': 8443 },
    ],
    [{ name: 'http.client', resource: '[::1]', attributes: [] }, { 'server.address': '[::1]' }],
    [
      {
        name: 'db.query',
        resource: 'SELECT users',
        attributes: ['operation', 'SELECT', 'table', 'users', 'query', 'SELECT 1', 'database', 'shop'],
      },
      {
        'db.system.name': 'postgresql',
        'db.query.summary': 'SELECT users',
        'db.operation.name': 'SELECT',
        'db.collection.name': 'users',
        'db.query.text': 'SELECT 1',
        'db.namespace': 'shop',
      },
    ],
    [
      {
        name: 'grpc.call',
        resource: 'forge.Functions/Execute',
        attributes: ['service', 'forge.Functions', 'status', 'OK'],
      },
      {
        service: 'forge.Functions',
        'rpc.system.name': 'grpc',
        'rpc.method': 'forge.Functions/Execute',
        'rpc.status_code': 'OK',
      },
    ],
    [{ name: 'function.execute', attributes: ['name', 'create_order'] }, { 'code.function.name': 'create_order' }],
    [{ name: 'job.execute', attributes: ['job_type', 'mail'] }, { job_type: 'mail' }],
  ])('of %o', (span, expected) => {
    expect(sent('only', span)).toEqual(expected);
  });

  it('name the error of a failed span: its exception, else its status', () => {
    const exception = {
      name: 'exception',
      unixUs: 1,
      attributes: ['exception.type', 'TypeError'],
      droppedAttributes: 0,
    };
    expect(sent('only', { ...REQUEST, status: Status.error, events: [exception] })['error.type']).toBe('TypeError');
    expect(sent('only', { ...REQUEST, status: Status.error, attributes: ['status', 503] })['error.type']).toBe('503');
    expect(
      sent('only', { name: 'db.query', status: Status.error, attributes: ['db.error_code', '42P01'] }),
    ).toMatchObject({
      'error.type': '42P01',
      'db.response.status_code': '42P01',
    });
  });
});
