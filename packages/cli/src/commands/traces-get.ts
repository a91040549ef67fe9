import type { TraceJson } from '@forge/query';
import { connectApi } from '../api-client.ts';
import { wantsColor } from '../colors.ts';
import { widthOf, writeJson, type CommandHost, type GlobalOptions } from '../command-host.ts';
import { integerOption } from '../search-options.ts';
import { renderWaterfall } from '../waterfall.ts';

export interface GetOptions {
  readonly collapse?: true;
  readonly errors?: true;
  readonly criticalPath?: true;
  readonly depth?: string;
  readonly width?: string;
}

/** `forge traces get ID`: the trace as a waterfall, or the API's JSON. */
export async function getTrace(
  host: CommandHost,
  id: string,
  options: GetOptions,
  global: GlobalOptions,
): Promise<void> {
  const maxDepth = options.depth === undefined ? undefined : integerOption('--depth', options.depth, 0, 100_000);
  const width = options.width === undefined ? widthOf(host) : integerOption('--width', options.width, 32, 10_000);
  const api = await connectApi(host, global);
  try {
    const trace = await api.get<TraceJson>(`/traces/${encodeURIComponent(id)}`);
    if (global.json === true) {
      writeJson(host, trace);
      return;
    }
    const text = renderWaterfall(trace, {
      width,
      color: wantsColor(host.stdout, host.env),
      collapse: options.collapse === true,
      onlyErrors: options.errors === true,
      criticalPath: options.criticalPath === true,
      ...(maxDepth === undefined ? {} : { maxDepth }),
    });
    host.stdout.write(`${text}\n`);
  } finally {
    await api.close();
  }
}
