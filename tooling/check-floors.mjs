// Fails when a package depends on, or imports, a package of its own or a higher floor; or reaches into another's src.
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { floorOf } from './floors.mjs';

const problems = [];
const IMPORT = /(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g;

for (const root of ['packages', 'apps']) {
  for (const folder of readdirSync(root)) {
    const dir = join(root, folder);
    if (!existsSync(join(dir, 'package.json'))) continue;
    const manifest = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
    const floor = floorOf(manifest.name);
    if (manifest.name === '@forge/testing') continue;
    if (floor === undefined) {
      problems.push(`${dir}: ${manifest.name} has no floor: add it to tooling/floors.mjs`);
      continue;
    }
    for (const dependency of Object.keys({
      ...manifest.dependencies,
      ...manifest.peerDependencies,
      ...manifest.optionalDependencies,
    })) {
      checkImport(`${dir}/package.json`, manifest.name, floor, dependency);
    }
    for (const file of sources(join(dir, 'src'))) {
      const text = readFileSync(file, 'utf8');
      const isTest = /\.test\.tsx?$/.test(file);
      for (const [, specifier] of text.matchAll(IMPORT)) {
        if (specifier.startsWith('@forge')) {
          if (!isTest) checkImport(file, manifest.name, floor, specifier);
          if (/^@forge[^/]*\/[^/]+\/(src|dist)\//.test(specifier))
            problems.push(`${file}: imports the inside of ${specifier}`);
        } else if (/^\.\.?\/(.*\/)?index\.tsx?$/.test(specifier) && !isTest)
          problems.push(`${file}: imports an index (${specifier}): name the file`);
        else if (specifier.startsWith('.') && !join(file, '..', specifier).startsWith(`${dir}/`)) {
          problems.push(`${file}: imports ${specifier}, which leaves its package`);
        }
      }
    }
  }
}

function checkImport(file, from, floor, specifier) {
  if (!specifier.startsWith('@forge')) return;
  const name = specifier.split('/').slice(0, 2).join('/');
  if (name === from) return;
  if (name === '@forge/testing') {
    problems.push(`${file}: ${name} is for tests only`);
    return;
  }
  const other = floorOf(name);
  // Apps share a small contract among themselves.
  const sharedByApps = name === '@forge-apps/contract' && from.startsWith('@forge-apps/');
  if (other === undefined) problems.push(`${file}: ${name} is no package of this workspace`);
  else if (other >= floor && !sharedByApps)
    problems.push(`${file}: ${from} (floor ${floor}) must not use ${name} (floor ${other})`);
}

function sources(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true })
    .map((name) => join(dir, String(name)))
    .filter((name) => /\.(ts|tsx)$/.test(name) && !name.includes('node_modules'));
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log('floors: every package imports from below only');
