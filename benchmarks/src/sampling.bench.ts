// `pnpm bench sampling [scenario ...] [--seconds n] [--rate requests/s] [--triggered n] [--errors share]`: the experiment on tail sampling
// without a collector. A gateway and workers as processes, real gRPC, real PostgreSQL, an open-loop generator; every
// process logs every span that it ends to a file, and what is stored in the end is compared with those files.
import { acquireEmbeddedPostgres } from '@forge/embedded-postgres';
import { createPostgresStore } from '@forge/storage-postgres';
import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import postgres from 'postgres';
import { createStallProxy, type StallProxy } from './stall-proxy.ts';
import type { ProcessOptions, ProcessReport } from './sampling-process.ts';
import { judge, type Verdict } from './sampling-verdict.ts';
import { planRequest, type Mix } from './sampling-work.ts';

interface Scenario {
  readonly what: string;
  readonly mix?: Partial<Mix>;
  readonly options?: Partial<ProcessOptions>;
  readonly seconds?: number;
  readonly skewed?: boolean;
  /** What happens while it runs. */
  readonly during?: (run: Run) => Promise<void>;
  /** From when to when the database stalls, seconds: the requests of that time are looked at apart. */
  readonly stall?: readonly [number, number];
  /** What the arm promises: the other arms are there for comparison and may fall short. */
  readonly promises?: boolean;
}

interface Run {
  readonly proxy: StallProxy;
  readonly url: string;
  kill(index: number): Promise<void>;
}

const TYPICAL: Mix = { workers: 6, errors: 0.01, slow: 0.005, jobs: 0.05, jobFailures: 0.1, jobDelayMs: 14_000 };

const SCENARIOS: Record<string, Scenario> = {
  main: { what: 'half of all requests trigger', mix: { errors: 0.45, slow: 0.02 }, promises: true },
  typical: { what: '1 % errors, 0.5 % slow, 5 % jobs', promises: true },
  rare: { what: '0.1 % triggers', mix: { errors: 0.001, slow: 0 }, promises: true },
  stranger: {
    what: 'nodes that do not trust each other: the keep log alone',
    options: { trusted: false },
    mix: { errors: 0.1 },
    promises: true,
  },
  chaos: {
    what: 'keeps doubled, delayed and reordered; clocks off by an hour; a long transaction open',
    mix: { errors: 0.1 },
    options: { chaos: true },
    skewed: true,
    promises: true,
    async during({ url }) {
      const sql = postgres(url, { max: 1 });
      await sql.begin(async (tx) => {
        await tx`SELECT pg_current_xact_id()`;
        await sleep(20_000);
      });
      await sql.end();
    },
  },
  stall5: {
    what: 'PostgreSQL stalls for 5 s',
    stall: [10, 15],
    mix: { errors: 0.1 },
    promises: true,
    async during({ proxy }) {
      await sleep(10_000);
      proxy.stall();
      await sleep(5000);
      proxy.resume();
    },
  },
  stall60: {
    what: 'PostgreSQL stalls for 60 s',
    stall: [15, 75],
    mix: { errors: 0.1 },
    seconds: 90,
    promises: true,
    async during({ proxy }) {
      await sleep(15_000);
      proxy.stall();
      await sleep(60_000);
      proxy.resume();
    },
  },
  kill: {
    what: 'a worker is killed with SIGKILL, another takes its place',
    mix: { errors: 0.1 },
    promises: true,
    async during({ kill }) {
      await sleep(12_000);
      await kill(2);
    },
  },
  job60: {
    what: 'jobs run 60 s after their request',
    mix: { jobDelayMs: 60_000, jobs: 0.2, jobFailures: 0.5 },
    promises: true,
  },
  'head-only': { what: 'arm: head sampling alone', options: { triggers: false, keepLog: false } },
  'local-tail': {
    what: 'arm: tail sampling in each process',
    options: { keepLog: false, trusted: false },
    mix: { errors: 0.1 },
  },
  everything: { what: 'arm: everything is shipped', options: { sampleRate: 1 } },
};

const WARM_MS = 10_000;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '40' },
    rate: { type: 'string', default: '100' },
    triggered: { type: 'string', default: '30000' },
    errors: { type: 'string' },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(SCENARIOS);
for (const name of names)
  if (SCENARIOS[name] === undefined) {
    console.error(`unknown scenario "${name}": one of ${Object.keys(SCENARIOS).join(', ')}`);
    process.exit(2);
  }

const folder = mkdtempSync(join(tmpdir(), 'forge-sampling-'));
const database = await acquireEmbeddedPostgres({ dataDir: join(folder, 'postgres'), durable: false });
let failed = false;
try {
  for (const name of names) failed = !(await run(name, SCENARIOS[name])) || failed;
} finally {
  await database.release({ awaitStop: true });
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);

async function run(name: string, scenario: Scenario): Promise<boolean> {
  const mix: Mix = {
    ...TYPICAL,
    ...scenario.mix,
    ...(flags.errors === undefined ? {} : { errors: Number(flags.errors) }),
  };
  const rate = Number(flags.rate);
  const seconds =
    name === 'main'
      ? Math.ceil(Number(flags.triggered) / (rate * (mix.errors + mix.slow)) / 0.98)
      : (scenario.seconds ?? Number(flags.seconds));
  const url = await freshDatabase(name);
  const proxy = await createStallProxy(Number(new URL(url).port));
  const proxied = new URL(url);
  proxied.port = String(proxy.port);
  const oracleFolder = join(folder, `oracle-${name}`);
  mkdirSync(oracleFolder);

  const members: Member[] = [];
  const start = async (index: number): Promise<Member> => {
    const nodeId = randomUUID();
    const options: ProcessOptions = {
      index,
      nodeId,
      url: proxied.href,
      oracleFile: join(oracleFolder, `${index}-${nodeId}`),
      sampleRate: 0.1,
      triggers: true,
      keepLog: true,
      trusted: true,
      skewMs: scenario.skewed === true ? [0, 3_600_000, -3_600_000][index % 3] : 0,
      maxKeptPerSecond: 10_000,
      chaos: false,
      ...scenario.options,
    };
    const file = fileURLToPath(
      new URL(import.meta.url.endsWith('.ts') ? 'sampling-process.ts' : 'sampling-process.js', import.meta.url),
    );
    const child = fork(file, [JSON.stringify(options)]);
    return { child, port: await answer<number>(child, 'port') };
  };
  members.push(...(await Promise.all(Array.from({ length: mix.workers + 1 }, (_, index) => start(index)))));
  const introduce = (): void => {
    for (const { child } of members) child.send({ peers: members.map(({ port }) => port) });
  };
  introduce();

  const startedMs = Date.now();
  const during = scenario.during?.({
    proxy,
    url,
    async kill(index) {
      members[index].child.kill('SIGKILL');
      await sleep(2000);
      members[index] = await start(index);
      introduce();
    },
  });
  // Open loop: what is due is sent, whatever became of what was sent before.
  let sent = 0;
  for (let elapsed = 0; elapsed < seconds * 1000; elapsed = Date.now() - startedMs) {
    // Slowly at first: cold processes on few cores would be late with everything, and all of it slow.
    const warm = Math.min(elapsed, WARM_MS);
    const due = Math.floor(((elapsed - warm + (warm * warm) / (2 * WARM_MS)) * rate) / 1000);
    if (due > sent) members[0].child.send({ works: Array.from({ length: due - sent }, () => planRequest(mix)) });
    sent = due;
    await sleep(20);
  }
  await during;
  // Jobs run, keeps arrive, parked spans come back, and a death is noticed.
  const drainAll = (): Promise<Drained[]> =>
    Promise.all(
      members.map(async ({ child }) => {
        const drained = answer<Drained>(child, 'drained');
        child.send({ drain: true });
        return drained;
      }),
    );
  const drained = await drainAll();
  await sleep(Math.max(16_000, mix.jobDelayMs + 8000));
  await drainAll();
  await sleep(6000);
  const reports: ProcessReport[] = await Promise.all(
    members.map(async ({ child }) => {
      const report = answer<ProcessReport>(child, 'report');
      child.send({ stop: true });
      return report;
    }),
  );
  const sampleRate = scenario.options?.sampleRate ?? 0.1;
  const verdict = await judge(url, oracleFolder, sampleRate === 1 ? 0n : 0xe6660000000000n, sampleRate);
  proxy.close();
  console.log(
    `\n${name}: ${Math.max(...drained.map(({ queuedSpans }) => queuedSpans))} spans queued at most at the end, stored ${Math.max(...drained.map(({ ms }) => ms))} ms later`,
  );
  return print(name, scenario, seconds, startedMs, verdict, reports);
}

interface Drained {
  readonly queuedSpans: number;
  readonly ms: number;
}

interface Member {
  readonly child: ChildProcess;
  readonly port: number;
}

function answer<T>(child: ChildProcess, key: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const listener = (message: Record<string, unknown>): void => {
      if (!(key in message)) return;
      child.off('message', listener as never);
      resolve(message[key] as T);
    };
    child.on('message', listener as never);
    child.once('exit', (code) => reject(new Error(`a process of the experiment ended with ${code}`)));
  });
}

async function freshDatabase(name: string): Promise<string> {
  const dbName = `experiment_${name.replaceAll('-', '_')}`;
  const admin = postgres(database.url, { max: 1 });
  await admin.unsafe(`CREATE DATABASE ${dbName}`);
  await admin.end();
  const url = new URL(database.url);
  url.pathname = `/${dbName}`;
  const store = createPostgresStore({ url: url.href });
  await store.migrate();
  await store.close();
  return url.href;
}

function print(
  name: string,
  scenario: Scenario,
  seconds: number,
  startedMs: number,
  verdict: Verdict,
  reports: readonly ProcessReport[],
): boolean {
  const sum = (pick: (report: ProcessReport) => number): number =>
    reports.reduce((total, report) => total + pick(report), 0);
  const count = (key: string): number => sum(({ counts }) => counts[key] ?? 0);
  const overheads = reports.flatMap((report) => report.overheads.map(([, ms]) => ms)).sort((a, b) => a - b);
  const p = (q: number): string => (overheads[Math.floor(q * overheads.length)] ?? 0).toFixed(1);
  const deviation =
    verdict.standardError === 0 ? 0 : (verdict.weightedRequests - verdict.trueRequests) / verdict.standardError;
  console.log(`${name}: ${scenario.what}; ${seconds} s`);
  console.log(
    `  ${verdict.traces} traces, ${verdict.spans} spans; triggered ${verdict.triggered}: whole ${verdict.triggeredWhole}, partial with a gap ${verdict.partialWithGap}, silently partial ${verdict.partialSilent}`,
  );
  console.log(
    `  head sampled, untriggered ${verdict.headSampled}: not whole ${verdict.headMissing}; stored without a reason ${verdict.headExtra}; traces with gap rows ${verdict.gapRows}, of these whole ${verdict.gapsOfWholeTraces}; parked and kept but not brought back ${verdict.parkedLeft}`,
  );
  console.log(
    `  bytes shipped ${(sum((r) => r.shippedBytes) / sum((r) => r.bytes)).toFixed(3)} of everything, spans ${(sum((r) => r.shippedSpans) / sum((r) => r.spans)).toFixed(3)}; parked ${count('forge_sampling_parked_bytes_total')} bytes (gzip) of ${sum((r) => r.bytes)}`,
  );
  console.log(
    `  weighted requests ${verdict.weightedRequests.toFixed(0)} of ${verdict.trueRequests} (${deviation.toFixed(2)} standard errors); exact counts: ${verdict.trafficSpans} spans of ${verdict.spans}, ${verdict.trafficErrors} errors of ${verdict.oracleErrors}`,
  );
  console.log(
    `  ring at most ${Math.max(...reports.map((r) => r.maxRingBytes))} bytes; request overhead p50 ${p(0.5)} p99 ${p(0.99)} ms; event loop p99 ${Math.max(...reports.map((r) => r.loopDelayP99Ms)).toFixed(1)} ms`,
  );
  if (scenario.stall !== undefined) {
    const [from, to] = scenario.stall;
    const warm = reports.flatMap((report) => report.overheads).filter(([at]) => at - startedMs > WARM_MS);
    const during = warm.filter(([at]) => at - startedMs >= from * 1000 && at - startedMs < to * 1000);
    const around = warm.filter(([at]) => at - startedMs < from * 1000 || at - startedMs >= to * 1000 + 3000);
    const quantiles = (list: typeof warm): string => {
      const sorted = list.map(([, ms]) => ms).sort((a, b) => a - b);
      return [0.5, 0.9, 0.99].map((q) => (sorted[Math.floor(q * sorted.length)] ?? 0).toFixed(1)).join(', ');
    };
    console.log(
      `  request overhead p50, p90, p99 while it stalls: ${quantiles(during)} ms; before and after: ${quantiles(around)} ms`,
    );
  }
  for (const example of verdict.examples) console.log(`  ! ${example}`);
  for (const line of new Set(reports.flatMap((r) => r.log))) console.log(`  log ${line}`);
  if (scenario.promises !== true) return true;
  const held =
    verdict.partialSilent === 0 && verdict.headMissing === 0 && verdict.headExtra === 0 && verdict.parkedLeft === 0;
  console.log(`  ${held ? 'holds' : 'FAILS'}`);
  return held;
}
