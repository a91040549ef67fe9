import { readFile } from 'node:fs/promises';
import { defineConfig } from 'vitest/config';

// Tests run on the sources: no build before them. The second is vitest's own environment, where the globalSetup runs.
const sources = { resolve: { conditions: ['@forge/source', 'node'] } };

export default defineConfig({
  ...sources,
  ssr: sources,
  environments: { __vitest__: sources },
  plugins: [
    {
      name: 'sql-as-text',
      enforce: 'pre',
      async load(id) {
        if (!id.endsWith('.sql')) return undefined;
        return `export default ${JSON.stringify(await readFile(id, 'utf8'))};`;
      },
    },
  ],
  test: {
    include: [
      'packages/*/{src,test}/**/*.test.ts',
      'apps/*/{src,test}/**/*.test.ts',
      'examples/*/src/**/*.test.ts',
      'tooling/**/*.test.ts',
    ],
    globalSetup: ['tooling/vitest-postgres.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
