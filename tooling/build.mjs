// Runs turbo tasks quietly: `node tooling/build.mjs build:js build:types`.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const turbo = createRequire(import.meta.url).resolve('turbo/bin/turbo');
const tasks = process.argv.slice(2);
const run = spawnSync(process.execPath, [turbo, 'run', ...tasks, '--output-logs=errors-only', '--log-order=grouped'], {
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, DO_NOT_TRACK: '1', TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' },
});
process.exit(run.status ?? 1);
