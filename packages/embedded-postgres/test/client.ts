// A process that holds the embedded PostgreSQL, driven by the tests: arguments are the options as JSON.
// Prints one JSON line a step; ends by itself once stdin ends, with or without `release`, as it is told.
import { acquireEmbeddedPostgres } from '../src/index.ts';

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

try {
  const db = await acquireEmbeddedPostgres({
    ...(JSON.parse(process.argv[2] ?? '{}') as object),
    onProgress: (progress) => print({ progress }),
  });
  print({ url: db.url, serverPid: db.serverPid });
  let command = '';
  for await (const chunk of process.stdin) command += String(chunk);
  if (command === 'release') await db.release();
  print({ ended: true });
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  print({ code, message });
  process.exitCode = 1;
}
