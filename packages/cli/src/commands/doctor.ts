import { describeConfig, type LoadedConfig } from '@forge/config';
import type { ForgeDescription } from '@forge/node';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { storeRequest } from '../api-client.ts';
import { createPaint, wantsColor, type Style } from '../colors.ts';
import { writeJson, type CommandHost, type GlobalOptions, type StoreRequest } from '../command-host.ts';
import { safeText } from '../display-text.ts';
import { durationText } from '../duration-text.ts';
import type { OpenStore } from '../open-store.ts';
import { loadRequested } from '../requested-config.ts';

/** One thing that was looked at. */
interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly detail: string;
}

interface Report {
  readonly checks: Check[];
  /** What is set, and where; secrets hidden. */
  readonly settings: readonly { readonly key: string; readonly value: string; readonly from: string }[];
  /** What a running process says of itself; null where none was found. */
  process: ForgeDescription | null;
}

const ENDPOINT_TIMEOUT_MS = 3000;
const LOOP_TIMEOUT_MS = 10_000;

/** `forge doctor`: what is connected, traced and dropped, and whether a span comes back. @returns whether all is well */
export async function examine(host: CommandHost, global: GlobalOptions): Promise<boolean> {
  const request = storeRequest(host, global);
  const loaded = loadRequested(request);
  const settings = describeConfig(loaded).filter((line) => line.from !== 'default');
  const report: Report = { checks: [configurationCheck(loaded, settings.length)], settings, process: null };
  await checkDatabase(host, request, report.checks);
  await checkEndpoints(loaded, report.checks);
  await checkProcess(host, loaded, global, report);
  if (global.json === true) writeJson(host, report);
  else host.stdout.write(`${reportText(host, report)}\n`);
  return report.checks.every((check) => check.status !== 'failed');
}

function configurationCheck({ config, file, warnings }: LoadedConfig, set: number): Check {
  const { traces } = config;
  const rate = traces.enabled ? `${traces.sampleRate * 100} % sampled` : 'tracing is switched off';
  const always = traces.alwaysSample.length === 0 ? '' : `, always ${traces.alwaysSample.join(' and ')}`;
  const detail = `${file ?? 'no forge.toml: defaults and environment'}, ${set} values set; ${rate}${always}, slow from ${durationText(traces.slowThresholdMs * 1000)}`;
  return { name: 'configuration', status: warnings.length > 0 || !traces.enabled ? 'warning' : 'ok', detail };
}

async function checkDatabase(host: CommandHost, request: StoreRequest, checks: Check[]): Promise<void> {
  let opened: OpenStore;
  try {
    opened = await host.openStore(request);
  } catch (error) {
    checks.push({ name: 'database', status: 'failed', detail: messageOf(error) });
    return;
  }
  try {
    await opened.prepare();
    checks.push({ name: 'database', status: 'ok', detail: `${opened.database}, the tables are at this version` });
    checks.push(await checkLoop(host, request, opened));
  } catch (error) {
    checks.push({ name: 'database', status: 'failed', detail: `${opened.database}: ${messageOf(error)}` });
  } finally {
    await opened.close();
  }
}

/** A span through a tracer's pipeline into the database and out of it again; then it is removed. */
async function checkLoop(host: CommandHost, request: StoreRequest, opened: OpenStore): Promise<Check> {
  const tracer = await host.startTracer(request);
  try {
    const startMs = performance.now();
    const traceId = await tracer.sendSpan();
    let stored = await opened.store.trace(traceId);
    while (stored === undefined && performance.now() - startMs < LOOP_TIMEOUT_MS) {
      await sleep(20);
      stored = await opened.store.trace(traceId);
    }
    const away = tracer.describe().exporters.find((exporter) => exporter.away);
    if (stored === undefined) {
      const why = away?.lastFailure === undefined ? '' : `: ${away.exporter} says ${away.lastFailure}`;
      return {
        name: 'loop',
        status: 'failed',
        detail: `a span did not come back within ${LOOP_TIMEOUT_MS / 1000} s${why}`,
      };
    }
    const tookUs = (performance.now() - startMs) * 1000;
    const left = await opened.store.deleteTrace(traceId).then(
      () => '',
      (error: unknown) => `; its trace ${traceId} could not be removed: ${messageOf(error)}`,
    );
    const detail = `a span was traced, stored and read back in ${durationText(tookUs)}${left}`;
    return { name: 'loop', status: left === '' ? 'ok' : 'warning', detail };
  } catch (error) {
    return { name: 'loop', status: 'failed', detail: messageOf(error) };
  } finally {
    await tracer.close();
  }
}

async function checkEndpoints({ config }: LoadedConfig, checks: Check[]): Promise<void> {
  const { jaegerEndpoint, zipkinEndpoint, otlpEndpoint } = config.export;
  const endpoints = [
    ['jaeger', jaegerEndpoint],
    ['zipkin', zipkinEndpoint],
    ['otlp', otlpEndpoint],
  ] as const;
  for (const [name, endpoint] of endpoints) {
    if (endpoint === undefined) continue;
    const { hostname, port, protocol } = new URL(endpoint);
    const failure = await refusalOf(
      hostname.replace(/^\[|\]$/g, ''),
      Number(port) || (protocol === 'https:' ? 443 : 80),
    );
    const place = `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
    checks.push(
      failure === undefined
        ? { name: `export to ${name}`, status: 'ok', detail: `${place} takes connections` }
        : { name: `export to ${name}`, status: 'failed', detail: `${place}: ${failure}` },
    );
  }
}

/** Why nothing can be sent there; undefined where somebody listens. */
function refusalOf(hostname: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port, timeout: ENDPOINT_TIMEOUT_MS });
    const end = (reason: string | undefined): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.once('connect', () => end(undefined));
    socket.once('error', (error) => end(error.message));
    socket.once('timeout', () => end(`no answer within ${ENDPOINT_TIMEOUT_MS / 1000} s`));
  });
}

/** What a running application says: it alone knows what it traces and what it dropped. */
async function checkProcess(
  host: CommandHost,
  { config }: LoadedConfig,
  global: GlobalOptions,
  report: Report,
): Promise<void> {
  const base = global.url?.replace(/(?:\/_api)?\/?$/, '') ?? `http://127.0.0.1:${config.api.port}`;
  const token = global.token ?? host.env['FORGE_TOKEN'] ?? config.api.readToken;
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const name = 'process';
  let described: Partial<ForgeDescription>;
  try {
    const response = await fetch(`${base}/_api/info`, { headers, signal: AbortSignal.timeout(ENDPOINT_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    described = (await response.json()) as Partial<ForgeDescription>;
  } catch (error) {
    const cause = (error as Error).cause;
    const reason = cause instanceof Error ? cause.message || cause.name : messageOf(error);
    const isAsked = global.url !== undefined;
    const hint = isAsked ? '' : '; --url names an application, which then says what it traces and drops';
    report.checks.push({
      name,
      status: isAsked ? 'failed' : 'skipped',
      detail: `nothing was learnt from ${base}: ${reason}${hint}`,
    });
    return;
  }
  if (described.service === undefined || described.instrumentations === undefined) {
    report.checks.push({ name, status: 'skipped', detail: `${base} serves the API only: it traces nothing itself` });
    return;
  }
  const process = described as ForgeDescription;
  report.process = process;
  const enabled = process.instrumentations.filter((one) => one.status === 'enabled').map((one) => one.name);
  report.checks.push({
    name,
    status: 'ok',
    detail: `${process.service} at ${base} traces ${enabled.join(', ') || 'nothing'}`,
  });
  for (const one of process.instrumentations) {
    if (one.status === 'enabled' && one.notes.length === 0) continue;
    const status = one.status === 'failed' ? 'failed' : one.status === 'disabled' ? 'skipped' : 'warning';
    report.checks.push({
      name: `tracing ${one.name}`,
      status,
      detail: `${one.status}${one.notes.map((note) => `; ${note}`).join('')}`,
    });
  }
  for (const exporter of process.exporters)
    if (exporter.away)
      report.checks.push({
        name: `export to ${exporter.exporter}`,
        status: 'failed',
        detail: exporter.lastFailure ?? 'away',
      });
  const dropped = Object.entries(process.counts).filter(
    ([count, value]) => value > 0 && /dropped|altered|lost|gaps/.test(count),
  );
  for (const [count, value] of dropped)
    report.checks.push({ name: 'dropped', status: 'warning', detail: `${value} ${count}` });
  if (dropped.length === 0) report.checks.push({ name: 'dropped', status: 'ok', detail: 'nothing' });
}

const MARKS: Readonly<Record<Check['status'], readonly [mark: string, style: Style]>> = {
  ok: ['✓', 'green'],
  warning: ['!', 'yellow'],
  failed: ['✗', 'red'],
  skipped: ['-', 'dim'],
};

function reportText(host: CommandHost, report: Report): string {
  const paint = createPaint(wantsColor(host.stdout, host.env));
  const width = Math.max(...report.checks.map((check) => check.name.length));
  const lines = report.checks.map(({ name, status, detail }) => {
    const [mark, style] = MARKS[status];
    return `${paint(style, mark)} ${name.padEnd(width)}  ${safeText(detail)}`;
  });
  if (report.settings.length > 0) {
    const keyWidth = Math.max(...report.settings.map((line) => line.key.length));
    lines.push('', 'what is set:');
    for (const { key, value, from } of report.settings)
      lines.push(`  ${key.padEnd(keyWidth)}  ${safeText(value)}  ${paint('dim', `(${safeText(from)})`)}`);
  }
  return lines.join('\n');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
