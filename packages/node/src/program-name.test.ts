import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nameOfProgram } from './program-name.ts';

const folder = mkdtempSync(join(tmpdir(), 'forge-name-'));

it('names the program after the nearest package.json that has a name', () => {
  mkdirSync(join(folder, 'a/dist'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"name":"outer"}');
  writeFileSync(join(folder, 'a/package.json'), '{"type":"module"}');
  expect(nameOfProgram(join(folder, 'a/dist/main.js'))).toBe('outer');
  writeFileSync(join(folder, 'a/package.json'), '{"name":"@shop/api"}');
  expect(nameOfProgram(join(folder, 'a/dist/main.js'))).toBe('@shop/api');
});

it('falls back to the file, and to node where there is no program', () => {
  expect(nameOfProgram('/nowhere/at/all/worker.mjs')).toBe('worker');
  expect(nameOfProgram(undefined)).toBe(process.argv[1] === undefined ? 'node' : nameOfProgram(process.argv[1]));
});
