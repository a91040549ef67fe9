/**
 * A trace as a waterfall for the terminal: one line a span, with its place in the tree, service, offset, duration and bar.
 *
 * @example
 * const trace = await (await fetch('http://localhost:8080/_api/traces/0af7651916cd43dd8448eb211c80319c')).json();
 * console.log(renderWaterfall(trace, { width: process.stdout.columns ?? 100, color: true }));
 *
 * @module
 */
import type { TraceJson } from '@forge/query';
import { createPaint, serviceStyles, type Paint, type Style } from './colors.ts';
import { cutText, displayWidth, fitText, safeText } from './display-text.ts';
import { durationText } from './duration-text.ts';
import { timeBar } from './time-bar.ts';
import { waterfallRows, type RowOptions, type WaterfallRow } from './waterfall-rows.ts';

export interface WaterfallOptions extends RowOptions {
  /** Columns of the terminal: no line is longer. At least 32: a trace id. */
  readonly width: number;
  /** Whether to paint with ANSI colours. Nothing is said by colour alone. */
  readonly color: boolean;
}

/** The trace as text without a last line break. Control characters in names are shown, never sent. */
export function renderWaterfall(trace: TraceJson, options: WaterfallOptions): string {
  const width = Math.max(32, options.width);
  const paint = createPaint(options.color);
  const rows = waterfallRows(trace, options);
  const columns = layOut(rows, width, options.criticalPath === true);
  const styles = serviceStyles(trace.services.map((service) => service.service_name));
  const lines = [...header(trace, width, paint), '', ruler(columns, trace.duration_us, paint)];
  for (const row of rows) {
    lines.push(rowLine(row, trace, columns, styles, paint));
    const message = row.errors > 0 ? failureOf(row) : undefined;
    if (message !== undefined) lines.push(paint('red', cutText(`  ${indentOf(row)}${safeText(message)}`, width)));
  }
  if (rows.length === 0) lines.push(paint('dim', '  no span to show'));
  return lines.join('\n');
}

function header(trace: TraceJson, width: number, paint: Paint): string[] {
  const { root } = trace;
  const title = root.resource === root.operation_name ? root.operation_name : `${root.operation_name} ${root.resource}`;
  const errors = trace.errors === 0 ? 'no errors' : plural(trace.errors, 'error');
  const facts = [
    durationText(trace.duration_us),
    plural(trace.spans.length, 'span'),
    plural(trace.services.length, 'service'),
    errors,
    `kept: ${safeText(trace.kept)}`,
  ];
  const time = `${trace.start_time.replace('T', ' ').slice(0, -4)} UTC`;
  // The id is there to be copied: it is never cut.
  const oneLine = `trace ${trace.trace_id}  ${time}`;
  const identity = oneLine.length <= width ? [oneLine] : [trace.trace_id, cutText(time, width)];
  const lines = [paint('bold', cutText(safeText(title), width)), ...identity.map((line) => paint('dim', line))];
  const factLine = cutText(facts.join(', '), width);
  lines.push(trace.errors === 0 ? factLine : factLine.replace(errors, () => paint('red', errors)));
  for (const gap of trace.gaps)
    lines.push(
      paint('yellow', cutText(`! a part is missing: node ${safeText(gap.node_id)}, ${safeText(gap.reason)}`, width)),
    );
  if (trace.missing_parents.length > 0)
    lines.push(
      paint(
        'yellow',
        cutText(
          `! ${plural(trace.missing_parents.length, 'parent')} not stored: ${trace.missing_parents.join(', ')}`,
          width,
        ),
      ),
    );
  return lines;
}

/** Widths of the columns; 0 where one is left out. Two columns of space stand before each but the first. */
interface Columns {
  readonly name: number;
  readonly service: number;
  readonly start: number;
  readonly duration: number;
  readonly critical: number;
  readonly bar: number;
}

const NUMBER_WIDTH = 8;

function layOut(rows: readonly WaterfallRow[], width: number, withCritical: boolean): Columns {
  const usable = width - 2; // the mark
  const longestName = rows.reduce((longest, row) => Math.max(longest, displayWidth(nameOf(row))), 4);
  const longestService = rows.reduce(
    (longest, row) => Math.max(longest, displayWidth(safeText(row.node.span.service_name))),
    7,
  );
  const service = usable >= 70 ? Math.min(longestService, Math.floor(usable / 6), 24) : 0;
  const start = usable >= 56 ? NUMBER_WIDTH : 0;
  const critical = withCritical && usable >= 56 ? NUMBER_WIDTH : 0;
  const numbers = [service, start, critical, NUMBER_WIDTH].reduce(
    (sum, column) => sum + (column === 0 ? 0 : column + 2),
    0,
  );
  const left = usable - numbers;
  const barMin = left >= 32 ? Math.max(12, Math.floor(left * 0.35)) : 0;
  const name = Math.max(1, Math.min(longestName, barMin === 0 ? left : left - barMin - 2));
  return { name, service, start, critical, duration: NUMBER_WIDTH, bar: barMin === 0 ? 0 : left - name - 2 };
}

function ruler(columns: Columns, totalUs: number, paint: Paint): string {
  const cells = [fitText('span', columns.name)];
  if (columns.service > 0) cells.push(fitText('service', columns.service));
  if (columns.start > 0) cells.push(fitText('start', columns.start, 'right'));
  cells.push(fitText('duration', columns.duration, 'right'));
  if (columns.critical > 0) cells.push(fitText('waited', columns.critical, 'right'));
  if (columns.bar > 0) {
    const end = durationText(totalUs);
    const middle = columns.bar >= 40 ? durationText(totalUs / 2) : '';
    const half = Math.floor(columns.bar / 2);
    const left = middle === '' ? '0' : fitText('0', half - 1) + `│${middle}`;
    cells.push(left + fitText(end, columns.bar - displayWidth(left), 'right'));
  }
  return paint('dim', `  ${cells.join('  ')}`);
}

function rowLine(
  row: WaterfallRow,
  trace: TraceJson,
  columns: Columns,
  styles: ReadonlyMap<string, Style>,
  paint: Paint,
): string {
  const { span } = row.node;
  const style = styles.get(span.service_name) ?? 'cyan';
  const hasFailed = row.errors > 0;
  const cells = [paintedName(row, columns.name, paint)];
  if (columns.service > 0) cells.push(paint(style, fitText(safeText(span.service_name), columns.service)));
  const offsetUs = row.startUs - trace.start_us;
  if (columns.start > 0) cells.push(paint('dim', fitText(durationText(offsetUs), columns.start, 'right')));
  cells.push(fitText(durationText(row.endUs - row.startUs), columns.duration, 'right'));
  if (columns.critical > 0)
    cells.push(paint('bold', fitText(durationText(row.criticalUs ?? 0), columns.critical, 'right')));
  if (columns.bar > 0) {
    const bar = timeBar(offsetUs, row.endUs - row.startUs, trace.duration_us, columns.bar);
    cells.push(' '.repeat(bar.before) + paint(hasFailed ? 'red' : style, bar.text));
  }
  return `${hasFailed ? paint('red', '✗') : ' '} ${cells.join('  ')}`.trimEnd();
}

/** The tree's lines dim, the operation plain, what it worked on bold. */
function paintedName(row: WaterfallRow, width: number, paint: Paint): string {
  const branch = shortBranch(row.branch, width);
  const room = width - displayWidth(branch);
  const { operation, rest } = namesOf(row);
  const operationCut = cutText(operation, room);
  const restRoom = room - displayWidth(operationCut);
  const restCut = restRoom > 1 ? cutText(rest, restRoom) : '';
  const fill = ' '.repeat(Math.max(0, restRoom - displayWidth(restCut)));
  return paint('dim', branch) + operationCut + paint('bold', restCut) + fill;
}

/** Deep trees keep a third of the column for the name: the lines before it are cut on the left. */
function shortBranch(branch: string, width: number): string {
  const most = Math.floor(width / 2);
  if (branch.length <= most) return branch;
  return `…${branch.slice(branch.length - most + 1)}`;
}

function nameOf(row: WaterfallRow): string {
  const { operation, rest } = namesOf(row);
  return row.branch + operation + rest;
}

function namesOf(row: WaterfallRow): { operation: string; rest: string } {
  const { span } = row.node;
  const resource = span.resource === span.operation_name ? '' : ` ${safeText(span.resource)}`;
  const count = row.count === 1 ? '' : ` ×${row.count}`;
  const hidden = row.hidden === 0 ? '' : ` (+${row.hidden})`;
  return { operation: safeText(span.operation_name), rest: resource + count + hidden };
}

function indentOf(row: WaterfallRow): string {
  return row.branch.replace(/├─/g, '│ ').replace(/└─/g, '  ');
}

/** Why a span failed, in one line. */
function failureOf(row: WaterfallRow): string | undefined {
  const { span } = row.node;
  const message =
    span.status_message ?? span.logs.find((log) => log.name === 'exception')?.attributes['exception.message'];
  return typeof message === 'string' && message !== '' ? message.split('\n', 1)[0] : undefined;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
