import type { PageJson, SummaryJson } from '@forge/query';
import { connectApi } from '../api-client.ts';
import { createPaint, serviceStyles, wantsColor, type Style } from '../colors.ts';
import { widthOf, writeJson, type CommandHost, type GlobalOptions } from '../command-host.ts';
import { safeText } from '../display-text.ts';
import { durationText } from '../duration-text.ts';
import { parametersOf, type FilterOptions } from '../search-options.ts';
import { renderTable, type Cell, type TableColumn } from '../table.ts';

export interface ListOptions extends FilterOptions {
  readonly start?: string;
  readonly end?: string;
  readonly sort?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

/** `forge traces list`: summaries of the traces that match, or the API's page as JSON. */
export async function listTraces(host: CommandHost, options: ListOptions, global: GlobalOptions): Promise<void> {
  const api = await connectApi(host, global);
  try {
    const page = await api.get<PageJson>('/traces', parametersOf(options));
    if (global.json === true) {
      writeJson(host, page);
      return;
    }
    if (page.traces.length === 0) host.stderr.write('no trace matches\n');
    else host.stdout.write(`${summaryTable(host, page.traces)}\n`);
    if (page.next_cursor !== null) host.stderr.write(`more with the same options and --cursor ${page.next_cursor}\n`);
  } finally {
    await api.close();
  }
}

const COLUMNS: readonly TableColumn[] = [
  { title: 'start (UTC)' },
  { title: 'trace' },
  { title: 'duration', align: 'right' },
  { title: 'spans', align: 'right' },
  { title: 'errors', align: 'right' },
  { title: 'kept' },
  { title: 'service' },
  { title: 'root', flexible: true },
];

function summaryTable(host: CommandHost, traces: readonly SummaryJson[]): string {
  const styles = serviceStyles(traces.map((trace) => trace.root.service_name));
  return renderTable(
    COLUMNS,
    traces.map((trace) => summaryRow(trace, styles)),
    widthOf(host),
    createPaint(wantsColor(host.stdout, host.env)),
  );
}

function summaryRow(trace: SummaryJson, styles: ReadonlyMap<string, Style>): Cell[] {
  const { root } = trace;
  const style = styles.get(root.service_name);
  const name = root.resource === root.operation_name ? root.operation_name : `${root.operation_name} ${root.resource}`;
  return [
    { text: trace.start_time.replace('T', ' ').slice(0, 23), style: 'dim' },
    { text: trace.trace_id },
    { text: durationText(trace.duration_us) },
    { text: String(trace.spans) },
    trace.errors === 0 ? { text: '' } : { text: `✗ ${trace.errors}`, style: 'red' },
    { text: safeText(trace.kept), style: 'dim' },
    { text: safeText(root.service_name), ...(style === undefined ? {} : { style }) },
    { text: safeText(name) },
  ];
}
