import { Diagnostics } from '@forge/core';
import { createRecorder } from '@forge/testing';
import { expect, it } from 'vitest';
import type { LoadedModule } from './contract.ts';
import { createRegistry } from './registry.ts';
import { plainPropagation } from './conformance-propagation.ts';

/** Loads `version` of a library whose plugin knows `versions`: what was patched, what was said, what the state is. */
function load(version: string | undefined, versions: string) {
  const said: string[] = [];
  const patched: LoadedModule[] = [];
  let load: ((exports: unknown, info: LoadedModule) => unknown) | undefined;
  const registry = createRegistry({
    provider: createRecorder().provider,
    propagation: plainPropagation,
    diagnostics: new Diagnostics((level, message) => void said.push(`${level}: ${message}`)),
    onModule: (_module, patch) => {
      load = patch;
      return () => undefined;
    },
  });
  registry.enable([
    {
      name: 'pg',
      supports: [{ module: 'pg', versions }],
      enable(host) {
        host.onModule('pg', (_exports, info) => void patched.push(info));
        return () => undefined;
      },
    },
  ]);
  const info: LoadedModule = { name: 'pg', version, kind: 'cjs' };
  load?.({}, info);
  load?.({}, info);
  return { said, patched: patched.length, state: registry.states()[0] };
}

it.each([
  ['8.6.0', '>=8.6 <9'],
  ['8.99.3', '>=8.6 <9'],
  ['9.0.0', '>=8.6 <9 || >=9'],
  [undefined, '>=8.6 <9'],
])('patches version %s of a library where the plugin knows %s', (version, versions) => {
  const { said, patched, state } = load(version, versions);
  expect(patched).toBe(2);
  expect(said).toEqual([]);
  expect(state).toMatchObject({ status: 'enabled', notes: [], modules: [{ version }, { version }] });
});

it.each([
  ['8.5.9', '>=8.6 <9'],
  ['9.0.0', '>=8.6 <9'],
])('leaves version %s alone where the plugin knows %s, and says so once', (version, versions) => {
  const { said, patched, state } = load(version, versions);
  expect(patched).toBe(0);
  expect(said).toEqual([
    `warn: pg ${version} is outside ${versions}, which instrumentation "pg" knows: it is not traced`,
  ]);
  expect(state).toEqual({
    name: 'pg',
    status: 'enabled',
    notes: [`pg ${version} is outside ${versions}`],
    modules: [],
  });
});
