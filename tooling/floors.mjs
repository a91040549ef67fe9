// The house of ARCHITECTURE.md as data: a package imports only from floors below its own.
export const FLOORS = [
  ['core'],
  [
    'tracing',
    'propagation',
    'sampling',
    'storage',
    'config',
    'embedded-postgres',
    'instrumentation',
    'export',
    'formats',
  ],
  [
    'instrumentation-http',
    'instrumentation-fetch',
    'instrumentation-grpc',
    'instrumentation-postgres',
    'instrumentation-pg',
    'instrumentation-jobs',
    'instrumentation-functions',
    'instrumentation-logs',
    'storage-postgres',
    'exporter-otlp',
    'exporter-zipkin',
    'exporter-jaeger',
    'query',
    'collector',
  ],
  ['node', 'dashboard'],
  ['nestjs', 'cli'],
];

/** Floor of a workspace package by its name; apps stand on top, `testing` beside the house (devDependency only). */
export function floorOf(name) {
  const short = name.replace(/^@forge\//, '');
  const floor = FLOORS.findIndex((packages) => packages.includes(short));
  if (floor >= 0) return floor;
  if (name === '@forge-apps/demo') return FLOORS.length + 1; // starts the other apps
  return name.startsWith('@forge-apps/') ? FLOORS.length : undefined;
}
