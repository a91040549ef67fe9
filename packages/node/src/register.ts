// `node --import @forge/node/register app.js`: traces an unchanged application. Configured by forge.toml and FORGE_*.
import { ForgeError } from '@forge/core';
import { setLoader } from './module-hooks.ts';
import { startForge } from './start.ts';

try {
  setLoader(['postgres']);
  startForge();
} catch (error) {
  // A wrong configuration must be seen, but it must not stop the application that only wanted to be watched.
  const reason = error instanceof ForgeError ? error.message : String(error);
  process.stderr.write(`[forge] error: tracing is off: ${reason}\n`);
}
