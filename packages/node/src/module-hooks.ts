import type { LoadedModule } from '@forge/instrumentation';
import { Hook as ImportHook } from 'import-in-the-middle';
import { readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { join } from 'node:path';
import { Hook as RequireHook } from 'require-in-the-middle';

type Patch = (exports: unknown, info: LoadedModule) => unknown;

/**
 * Reaches libraries as they are loaded: `require` always, `import` of ES modules only where the loader hook was set
 * before the application (`node --import @forge/node/register`). Returns the undo.
 */
export function onModule(module: string, patch: Patch): () => void {
  const require = new RequireHook([module], { internals: false }, (exports, name, baseDir) => {
    return (patch(exports, { name, version: versionIn(baseDir), kind: 'cjs' }) ?? exports) as typeof exports;
  });
  const imported = new ImportHook(
    [module],
    { internals: false },
    (exports: unknown, name: string, baseDir: string | void) => {
      return patch(exports, { name, version: versionIn(baseDir || undefined), kind: 'esm' });
    },
  );
  return () => {
    require.unhook();
    imported.unhook();
  };
}

let loaderSet = false;

/** Lets `onModule` see ES modules that are loaded from now on. Once a process; only `modules` pass through the hook. */
export function setLoader(modules: readonly string[]): void {
  if (loaderSet) return;
  loaderSet = true;
  nodeModule.register('import-in-the-middle/hook.mjs', import.meta.url, { data: { include: [...modules] } });
}

function versionIn(baseDir: string | undefined): string | undefined {
  if (baseDir === undefined) return undefined;
  try {
    return (JSON.parse(readFileSync(join(baseDir, 'package.json'), 'utf8')) as { version?: string }).version;
  } catch {
    return undefined;
  }
}
