import type { Database } from '../database.ts';
import { Bindings } from '../search/bindings.ts';
import type { Connection } from '../wire/connection.ts';

const DAY_US = 86_400_000_000;

/** Sums are small: minutes are kept for a week at least, quarters of an hour for two months, hours for two years. */
const MINUTES_US = 7 * DAY_US;
const QUARTERS_US = 62 * DAY_US;
const HOURS_US = 731 * DAY_US;

/** Deletes what told of spans that are gone. Rows of spans themselves are never deleted: their partitions are dropped. */
export async function forgetOld(
  database: Database,
  connection: Connection,
  retentionUs: number | undefined,
): Promise<void> {
  const nowUs = Date.now() * 1000;
  const forget = async (table: string, condition: string, beforeUs: number): Promise<void> => {
    const bind = new Bindings();
    const statement = `DELETE FROM :"schema".${table} WHERE ${condition} < ${bind.time(Math.max(0, beforeUs))}`;
    await connection.query(database.text(statement), bind.values);
  };
  await forget('forge_traffic_1m', 'minute', nowUs - Math.max(MINUTES_US, retentionUs ?? 0));
  await forget('forge_traffic_15m', 'bucket', nowUs - Math.max(QUARTERS_US, retentionUs ?? 0));
  await forget('forge_traffic_1h', 'bucket', nowUs - Math.max(HOURS_US, retentionUs ?? 0));
  await forget('forge_nodes', 'coalesce(ended_at, heartbeat_at)', nowUs - Math.max(7 * DAY_US, retentionUs ?? 0));
  if (retentionUs === undefined) return;
  // A partition goes when all of it is too old: up to a day, or a month where it holds spans of long ago, later.
  const goneUs = nowUs - retentionUs - 32 * DAY_US;
  const dayGoneUs = nowUs - retentionUs - 2 * DAY_US;
  await forget('forge_trace_homes', 'home', goneUs);
  await forget('forge_wide_traces', 'greatest(home, end_time)', goneUs);
  await forget('forge_edges_1m', 'minute', dayGoneUs);
  for (const table of ['forge_operations_1h', 'forge_tag_keys_1h', 'forge_tag_values_1h'])
    await forget(table, 'hour', dayGoneUs);
  await forget('forge_origins', 'last_seen::timestamptz', goneUs);
  await forget('forge_touched_minutes', 'minute', goneUs);
}
