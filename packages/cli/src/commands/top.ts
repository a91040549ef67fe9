import { ForgeError } from '@forge/core';
import type { RateSeriesJson, RatesJson } from '@forge/query';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectApi } from '../api-client.ts';
import { createPaint, wantsColor } from '../colors.ts';
import { widthOf, writeJson, type CommandHost, type GlobalOptions } from '../command-host.ts';
import { safeText } from '../display-text.ts';
import { durationText } from '../duration-text.ts';
import { CliErrors } from '../errors.ts';
import { parametersOf } from '../search-options.ts';
import { renderTable, type Cell, type TableColumn } from '../table.ts';

export interface TopOptions {
  readonly service?: string;
  readonly operation?: string;
  readonly window: string;
  readonly limit: string;
  readonly all?: true;
  readonly once?: true;
}

const REFRESH_MS = 2000;
const HOME = '\u001b[H';
const CLEAR_TO_END = '\u001b[J';
const OTHER_SCREEN = '\u001b[?1049h\u001b[?25l';
const FIRST_SCREEN = '\u001b[?25h\u001b[?1049l';

/** `forge top`: operations by requests, with their errors and latencies; refreshed on a terminal, once elsewhere. */
export async function topOperations(host: CommandHost, options: TopOptions, global: GlobalOptions): Promise<void> {
  const { window, limit, service, operation } = options;
  if (!/^\d{1,6}(?:\.\d{1,3})? ?(?:s|m|min|h|d)$/.test(window))
    throw new ForgeError(
      CliErrors.usage,
      `--window: ${JSON.stringify(window)} is not allowed; allowed: a time with its unit, such as 15m, 1h, 7d`,
    );
  const api = await connectApi(host, global);
  const parameters = parametersOf({ service, operation, limit });
  parameters.set('start', `-${window}`);
  parameters.set('by', 'service,operation,resource');
  parameters.set('quantiles', '0.5,0.95,0.99');
  if (options.all !== true) parameters.set('kind', 'server,consumer');
  try {
    let rates = await api.get<RatesJson>('/rates', parameters);
    if (global.json === true) {
      writeJson(host, rates);
      return;
    }
    if (options.once === true || host.stdout.isTTY !== true) {
      host.stdout.write(`${topTable(host, rates)}\n`);
      return;
    }
    host.stdout.write(OTHER_SCREEN);
    try {
      while (!host.signal.aborted) {
        const title = `operations of the last ${window}, ${options.all === true ? 'all spans' : 'what came in'}; Ctrl-C ends`;
        // Each line ends by clearing its rest: what was there before must not show through.
        const lines = [title, '', ...topTable(host, rates).split('\n')].map((line) => `${line}\u001b[K`);
        host.stdout.write(`${HOME}${lines.join('\n')}\n${CLEAR_TO_END}`);
        await sleep(REFRESH_MS, undefined, { signal: host.signal });
        rates = await api.get<RatesJson>('/rates', parameters);
      }
    } catch (error) {
      if (!host.signal.aborted) throw error;
    } finally {
      host.stdout.write(FIRST_SCREEN);
    }
  } finally {
    await api.close();
  }
}

const COLUMNS: readonly TableColumn[] = [
  { title: 'requests', align: 'right' },
  { title: 'per s', align: 'right' },
  { title: 'errors', align: 'right' },
  { title: 'p50', align: 'right' },
  { title: 'p95', align: 'right' },
  { title: 'p99', align: 'right' },
  { title: 'over time' },
  { title: 'service' },
  { title: 'operation', flexible: true },
];

function topTable(host: CommandHost, rates: RatesJson): string {
  if (rates.series.length === 0) return 'nothing came in';
  const seconds = (rates.starts_us.length * rates.step_us) / 1e6;
  const rows = rates.series.map((series) => topRow(series, seconds));
  const table = renderTable(COLUMNS, rows, widthOf(host), createPaint(wantsColor(host.stdout, host.env)));
  return rates.omitted === 0 ? table : `${table}\n${rates.omitted} more with --limit`;
}

function topRow(series: RateSeriesJson, seconds: number): Cell[] {
  const { total } = series;
  const [p50, p95, p99] = total.quantiles_us;
  const share = total.requests === 0 ? 0 : (100 * total.errors) / total.requests;
  const name = series.operation_name ?? '';
  return [
    { text: String(total.requests) },
    { text: (total.requests / seconds).toPrecision(3) },
    total.errors === 0
      ? { text: '' }
      : { text: `✗ ${share < 10 ? share.toFixed(1) : share.toFixed(0)} %`, style: 'red' },
    { text: durationText(p50) },
    { text: durationText(p95), style: 'bold' },
    { text: durationText(p99) },
    { text: sparkline(series.points.requests), style: 'cyan' },
    { text: safeText(series.service_name ?? ''), style: 'dim' },
    { text: safeText(series.resource === undefined || series.resource === name ? name : `${name} ${series.resource}`) },
  ];
}

const BLOCKS = ' ▁▂▃▄▅▆▇█';
const SPARK_COLUMNS = 15;

/** Numbers as a row of blocks, the highest full; more than 15 numbers are added up. */
export function sparkline(values: readonly number[]): string {
  const width = Math.min(values.length, SPARK_COLUMNS);
  const sums = Array.from<number>({ length: width }).fill(0);
  for (const [i, value] of values.entries()) sums[Math.floor((i * width) / values.length)] += value;
  const highest = Math.max(...sums);
  return sums.map((sum) => BLOCKS[sum === 0 ? 0 : Math.max(1, Math.round((8 * sum) / highest))]).join('');
}
