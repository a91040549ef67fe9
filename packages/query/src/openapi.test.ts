import { Validator, type SpecData } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { TRACE, api, body, child, orphan } from '../test/orders-api.ts';

interface Document {
  paths: Record<
    string,
    Record<
      string,
      {
        parameters: { name: string }[];
        responses: Record<string, { content: Record<string, { schema: { $ref: string } }> }>;
      }
    >
  >;
}

describe('GET /_api/openapi.json', () => {
  it('describes every answer: each one passes its schema', async () => {
    const ask = api();
    const document = await body<Document>(ask('/_api/openapi.json'));
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    ajv.addSchema(document, 'api');
    const asked: [path: string, request: string][] = [
      ['/_api/traces', '/_api/traces'],
      ['/_api/traces', '/_api/traces?limit=1'],
      ['/_api/traces', '/_api/traces?limit=x'],
      ['/_api/traces/{id}', `/_api/traces/${TRACE}`],
      ['/_api/traces/{id}', `/_api/traces/${orphan.traceId}`],
      ['/_api/traces/{id}', `/_api/traces/${'1'.repeat(32)}`],
      ['/_api/traces/{id}/columns', `/_api/traces/${TRACE}/columns`],
      ['/_api/traces/{id}/columns', `/_api/traces/${orphan.traceId}/columns`],
      ['/_api/traces/{id}/spans/{spanId}', `/_api/traces/${TRACE}/spans/${child.spanId}`],
      ['/_api/traces/{id}/spans/{spanId}', `/_api/traces/${TRACE}/spans/${'1'.repeat(16)}`],
      ['/_api/traces/{id}/logs', `/_api/traces/${TRACE}/logs`],
      ['/_api/traces/{id}/find', `/_api/traces/${TRACE}/find?text=declined`],
      ['/_api/traces/{id}/find', `/_api/traces/${TRACE}/find`],
      ['/_api/services', '/_api/services?start=2026-01-01T00:00:00Z&end=2026-12-01T00:00:00Z'],
      ['/_api/operations', '/_api/operations?start=2026-01-01T00:00:00Z&end=2026-12-01T00:00:00Z&service=gateway'],
      ['/_api/tags', '/_api/tags?start=2026-01-01T00:00:00Z&end=2026-12-01T00:00:00Z&service=gateway'],
      ['/_api/tags/{key}', '/_api/tags/method?start=2026-01-01T00:00:00Z&end=2026-12-01T00:00:00Z&prefix=P&limit=5'],
      ['/_api/rates', '/_api/rates?start=2026-11-22T17:00:00Z&end=2026-11-22T18:00:00Z&by=service,operation,resource'],
      [
        '/_api/rates',
        '/_api/rates?start=2026-11-22T17:00:00Z&end=2026-11-22T18:00:00Z&kind=server,consumer&quantiles=0.5',
      ],
      ['/_api/rates', '/_api/rates?by=services'],
      ['/_api/heatmap', '/_api/heatmap?start=2026-11-22T17:00:00Z&end=2026-11-22T18:00:00Z&step=5m&status=error'],
      ['/_api/edges', '/_api/edges?start=2026-11-22T17:00:00Z&end=2026-11-22T18:00:00Z'],
      ['/_api/compare', `/_api/compare?a=${TRACE}&b=${orphan.traceId}`],
      ['/_api/compare', `/_api/compare?a=${TRACE}`],
      ['/_api/info', '/_api/info'],
      ['/_api/openapi.json', '/_api/openapi.json'],
    ];
    for (const [path, request] of asked) {
      const response = await ask(request);
      const type = response.headers.get('content-type')!.split(';')[0];
      const described = document.paths[path].get.responses[response.status].content[type].schema.$ref;
      const isValid = ajv.validate(`api${described}`, await response.json());
      expect(ajv.errors, `${request} ${response.status}`).toBeNull();
      expect(isValid).toBe(true);
    }
    // Tested beside their routes: they take or give no JSON of ours.
    const others = ['/_api/live', '/_api/import', '/_api/traces/{id}/export'];
    expect(new Set([...asked.map(([path]) => path), ...others])).toEqual(new Set(Object.keys(document.paths)));
  });

  it('is OpenAPI 3.1', async () => {
    const document = await body<SpecData>(api()('/_api/openapi.json'));
    const result = await new Validator().validate(document);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  it('names exactly the parameters that are taken', async () => {
    const document = await body<Document>(api()('/_api/openapi.json'));
    const names = document.paths['/_api/traces'].get.parameters.map(({ name }) => name);
    expect(names).toEqual([
      'operation',
      'service',
      'min_duration',
      'max_duration',
      'status',
      'text',
      'kept',
      'start',
      'end',
      'sort',
      'limit',
      'cursor',
      'tag',
    ]);
  });
});
