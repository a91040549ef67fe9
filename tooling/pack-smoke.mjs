// Installs every package alone, as a user would: packed, outside the workspace, with npm, in an empty project.
// Then each entry is imported, its types are checked, and the first js block of its README runs.
// `node tooling/pack-smoke.mjs core tracing` does so for some.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const work = mkdtempSync(join(tmpdir(), 'forge-pack-'));
const asked = process.argv.slice(2);
const folders = readdirSync(join(root, 'packages')).filter((name) =>
  existsSync(join(root, 'packages', name, 'package.json')),
);
for (const name of asked) {
  if (!folders.includes(name)) {
    console.error(`unknown package "${name}": one of ${folders.join(', ')}`);
    process.exit(2);
  }
}

let databaseUrl;
const tarballs = await packAll();
const catalog = createRequire(join(root, 'package.json'));
const typescript = catalog.resolve('typescript/bin/tsc');
const nodeTypes = resolve(catalog.resolve('@types/node/package.json'), '../..');
const database = await startDatabase();
databaseUrl = database.url;

let failed = 0;
const queue = asked.length > 0 ? asked : folders;
let next = 0;
await Promise.all(
  [1, 2].map(async () => {
    while (next < queue.length) {
      const name = queue[next++];
      const start = Date.now();
      try {
        const what = await smoke(name);
        console.log(`ok   @forge/${name}: ${what} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
      } catch (error) {
        failed++;
        console.log(`FAIL @forge/${name}: ${error.message}`);
      }
    }
  }),
);
await database.release();
rmSync(work, { recursive: true, force: true });
process.exit(failed === 0 ? 0 : 1);

async function packAll() {
  const out = join(work, 'tarballs');
  mkdirSync(out);
  const packed = {};
  for (const name of folders) {
    // pnpm's pack puts the versions where `workspace:` and `catalog:` stand, and the published exports.
    await run('npx', ['-y', 'pnpm@12.21.0', 'pack', '--pack-destination', out], join(root, 'packages', name));
    const version = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')).version;
    packed[`@forge/${name}`] = `file:${join(out, `forge-${name}-${version}.tgz`)}`;
  }
  return packed;
}

async function startDatabase() {
  const { acquireEmbeddedPostgres } = await import(join(root, 'packages/embedded-postgres/dist/index.js'));
  return acquireEmbeddedPostgres({ dataDir: join(work, 'postgres'), durable: false });
}

async function smoke(name) {
  const dir = join(work, name);
  mkdirSync(dir);
  const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
  const own = `@forge/${name}`;
  const readme = readFileSync(join(root, 'packages', name, 'README.md'), 'utf8');
  // What the README says to install, and nothing else.
  const asked = /npm install (.*)/.exec(readme)?.[1].split(' ') ?? [];
  const more = asked.filter((other) => other !== own && !other.startsWith('-'));
  const dependencies = Object.fromEntries([own, ...more].map((other) => [other, tarballs[other] ?? '*']));
  writeFileSync(
    join(dir, 'package.json'),
    JSON.stringify({
      name: 'smoke',
      private: true,
      type: 'module',
      dependencies,
      overrides: without(tarballs, Object.keys(dependencies)),
    }),
  );
  await run('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'], dir);

  const entries = Object.keys(manifest.exports)
    .filter((key) => key !== './package.json')
    // Conformance suites and test tools live inside a test runner, which an optional peer brings.
    .filter((key) => key !== './conformance' && name !== 'testing')
    .map((key) => own + key.slice(1));
  const imports = entries.map((entry, i) => `import * as entry${i} from '${entry}';`).join('\n');
  const used = entries.map((_, i) => `entry${i}`).join(', ');
  writeFileSync(
    join(dir, 'entries.mjs'),
    `${imports}\nfor (const entry of [${used}]) if (typeof entry !== 'object') throw new Error('no module');\n`,
  );
  if (entries.length > 0) await run('node', ['entries.mjs'], dir);
  writeFileSync(join(dir, 'entries.ts'), `${imports}\nexport const entries = [${used}];\n`);
  await run(
    'node',
    [
      typescript,
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--typeRoots',
      nodeTypes,
      '--types',
      'node',
      'entries.ts',
    ],
    dir,
  );
  if (manifest.bin)
    for (const bin of Object.keys(manifest.bin)) await run(join(dir, 'node_modules/.bin', bin), ['--help'], dir);

  const example = /```js\n([\s\S]*?)```/.exec(readme)?.[1];
  if (example === undefined) throw new Error('its README has no js example');
  writeFileSync(join(dir, 'example.mjs'), example);
  await run('node', ['example.mjs'], dir);
  return `${entries.length} entries, types, README example`;
}

function without(object, keys) {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !keys.includes(name)));
}

function run(command, args, cwd) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 180_000,
      env: {
        ...process.env,
        ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
        NODE_NO_WARNINGS: '1',
      },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', fail);
    child.on('close', (code) =>
      code === 0
        ? done(output)
        : fail(new Error(`${[command, ...args].join(' ').slice(0, 200)} ended with ${code}:\n${output.slice(-3000)}`)),
    );
  });
}
