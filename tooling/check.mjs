// Everything that must hold before a change lands, each with its own name and time. `node tooling/check.mjs types lint` runs some.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const publishable = readdirSync('packages')
  .map((name) => `packages/${name}`)
  .filter((dir) => existsSync(`${dir}/package.json`));

const bin = (name) => `node_modules/.bin/${name}`;
const CHECKS = {
  format: [[bin('oxfmt'), '--check', '.']],
  floors: [['node', 'tooling/check-floors.mjs']],
  cycles: [[bin('depcruise'), '--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'packages', 'apps']],
  // One program for all: the sources share most of what they import. The viewer has the browser's types and JSX.
  types: ['tsconfig.check.json', 'packages/dashboard'].map((project) => [bin('tsc'), '--noEmit', '-p', project]),
  lint: [[bin('oxlint'), '--type-aware', '--max-warnings', '0', '.']],
  unused: [[bin('knip'), '--no-progress']],
  build: [['node', 'tooling/build.mjs', 'build:js', 'build:types']],
  publishable: publishable.flatMap((dir) => [
    [bin('publint'), 'run', dir, '--strict', '--pack', 'pnpm'],
    [bin('attw'), '--pack', dir, '--profile', 'esm-only', '--quiet'],
  ]),
};

const asked = process.argv.slice(2);
for (const name of asked) {
  if (!(name in CHECKS)) {
    console.error(`unknown check "${name}": one of ${Object.keys(CHECKS).join(', ')}`);
    process.exit(2);
  }
}

let failed = 0;
for (const [name, commands] of Object.entries(CHECKS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const start = Date.now();
  const results = await inParallel(commands, 2);
  const bad = results.filter((result) => result.code !== 0);
  console.log(`${bad.length === 0 ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
  for (const { command, output } of bad) console.log(`--- ${command.join(' ')}\n${output.trimEnd()}`);
  if (bad.length > 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);

async function inParallel(commands, width) {
  const results = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < commands.length) results.push(await run(commands[next++]));
    }),
  );
  return results;
}

function run(command) {
  return new Promise((resolve) => {
    const child = spawn(command[0], command.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ command, code: 1, output: error.message }));
    child.on('close', (code) => resolve({ command, code, output }));
  });
}
