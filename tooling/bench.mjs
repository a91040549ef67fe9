// `pnpm bench core`: builds, then runs one benchmark of benchmarks/src, ours and the peers in one run.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const names = readdirSync('benchmarks/src')
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length));
const [name, ...args] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  console.error(
    `${name === undefined ? 'which benchmark?' : `unknown benchmark "${name}":`} one of ${names.join(', ')}`,
  );
  process.exit(2);
}
const build = spawnSync(process.execPath, ['tooling/build.mjs', 'build:js'], { stdio: 'inherit' });
if (build.status !== 0) process.exit(build.status ?? 1);
const file = `benchmarks/dist/${name}.bench.js`;
if (!existsSync(file)) {
  console.error(`${file} was not built`);
  process.exit(1);
}
process.exit(spawnSync(process.execPath, ['--expose-gc', file, ...args], { stdio: 'inherit' }).status ?? 1);
