import type { ParameterTable } from './parameters.ts';
import type { Route } from './route.ts';
import { SCHEMAS } from './schemas.ts';

/** The OpenAPI 3.1 document of the given routes, mounted at `basePath`. */
export function openApiDocument(routes: readonly Route[], basePath: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes)
    if (route.isJaegers !== true)
      (paths[basePath + route.pattern] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Forge Tracing',
      version: '1',
      description:
        'Reads the traces that services wrote. Times are Unix microseconds (`_us`) or ISO 8601 with six digits.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{}, { bearer: [] }],
    paths,
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } }, schemas: SCHEMAS },
  };
}

function operation(route: Route): Record<string, unknown> {
  const statuses = [400, 401, 403, ...(route.problems ?? []), 500, 503, 504];
  return {
    operationId: operationId(route),
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    parameters: [
      ...Object.entries(route.pathParameters ?? {}).map(([name, description]) => ({
        name,
        in: 'path',
        required: true,
        description,
        schema: { type: 'string' },
      })),
      ...queryParameters(route.parameters),
      ...(route.takesTags === true ? [TAGS] : []),
    ],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            description: route.body.description,
            required: true,
            content: { [route.body.contentType]: {} },
          },
        }),
    responses: {
      ...success(route),
      ...Object.fromEntries(statuses.map((status) => [status, PROBLEM])),
    },
  };
}

function success({ answer, summary }: Route): Record<string, unknown> {
  if ('schema' in answer) {
    const schema = { $ref: `#/components/schemas/${answer.schema}` };
    return { 200: { description: summary, content: { 'application/json': { schema } } } };
  }
  if ('contentType' in answer)
    return { 200: { description: answer.description, content: { [answer.contentType]: {} } } };
  return { 204: { description: answer.description } };
}

/** `get /traces/{id}/spans/{spanId}` -> `get_traces_id_spans_spanId` */
function operationId({ method, pattern }: Route): string {
  return (method.toLowerCase() + pattern).replace(/[^A-Za-z0-9]+/g, '_').replace(/_$/, '');
}

function queryParameters(table: ParameterTable): unknown[] {
  return Object.entries(table).map(([name, { description, allowed, schema }]) => ({
    name,
    in: 'query',
    description: `${description} Allowed: ${allowed}.`,
    schema,
  }));
}

const TAGS = {
  name: 'tag',
  in: 'query',
  description:
    'Tags that the span must have, each as `tag.KEY=VALUE` (`tag.user_id=7`), at most 20. Numbers and booleans are compared by their JSON text.',
  // OpenAPI cannot say "any name that starts with tag."; a free-form object is the closest.
  style: 'form',
  explode: true,
  schema: { type: 'object', additionalProperties: { type: 'string' } },
};

const PROBLEM = {
  description: 'What is wrong, which parameter it is about, and what is allowed.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};
