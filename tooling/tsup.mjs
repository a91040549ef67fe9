// The one build set-up that every package's tsup.config.ts extends.
import { defineConfig } from 'tsup';

/**
 * ESM for Node 20.19 and later. `tsup` writes JavaScript, `tsup --dts-only` writes types:
 * two turbo tasks, because running an app needs only the first, fast one.
 */
export function packageBuild(options = {}) {
  return defineConfig((cli) => {
    const typesOnly = Boolean(cli.dts && typeof cli.dts === 'object' && cli.dts.only);
    return {
      entry: ['src/index.ts'],
      format: 'esm',
      target: 'node20.19',
      platform: 'node',
      sourcemap: true,
      clean: false,
      splitting: true,
      silent: true,
      ...options,
      dts: typesOnly ? { only: true } : false,
    };
  });
}
