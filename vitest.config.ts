import { readFile } from 'node:fs/promises';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Tests run on the sources: no build before them.
  resolve: { conditions: ['@forge/source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@forge/source', 'node', 'import', 'default'] } },
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
    include: ['packages/*/{src,test}/**/*.test.ts', 'apps/*/{src,test}/**/*.test.ts', 'examples/*/src/**/*.test.ts', 'tooling/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
