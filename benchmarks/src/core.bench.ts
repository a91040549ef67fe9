// `pnpm bench core`: what a span costs, ours beside OpenTelemetry's SDK and dd-trace, each in a process of its own,
// interleaved, the median of three turns.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

interface Figures {
  readonly root: number;
  readonly nested: number;
}

const SUBJECTS = ['floor', 'forge', 'forge-api', 'otel', 'datadog'] as const;
const TURNS = 3;
const script = fileURLToPath(new URL('./core-subject.js', import.meta.url));
const turns = new Map<string, Figures[]>(SUBJECTS.map((subject) => [subject, []]));

for (let turn = 0; turn < TURNS; turn++) {
  for (const subject of SUBJECTS) {
    const run = spawnSync(process.execPath, [script, subject], { encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`${subject} failed:\n${run.stderr}`);
    turns.get(subject)!.push(JSON.parse(run.stdout.trim().split('\n').at(-1)!) as Figures);
  }
}

const median = (subject: string, figure: keyof Figures): number =>
  turns
    .get(subject)!
    .map((figures) => figures[figure])
    .sort((a, b) => a - b)[TURNS >> 1];

console.log('nanoseconds             root, 3 tags    of OpenTelemetry    two nested    of OpenTelemetry');
for (const subject of SUBJECTS) {
  const cells = (['root', 'nested'] as const).flatMap((figure) => [
    median(subject, figure).toFixed(0).padStart(12),
    (median(subject, figure) / median('otel', figure)).toFixed(2).padStart(18),
  ]);
  console.log(`${subject.padEnd(22)}${cells.join('  ')}`);
}
console.log(
  '\nfloor: two clock reads, five random words, one object, one array. forge-api: Forge through the OpenTelemetry API.',
);
