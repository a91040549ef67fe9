import { checkRange, type OperationName, type TimeRange } from '@forge/storage';
import type { Database } from './database.ts';
import { Bindings } from './search/bindings.ts';

export async function readServices(database: Database, range: TimeRange): Promise<string[]> {
  checkRange(range);
  const bind = new Bindings();
  const statement = `SELECT DISTINCT service_name COLLATE "C" AS name FROM :"schema".forge_traces
WHERE start_time >= ${bind.time(range.startUnixUs)} AND start_time < ${bind.time(range.endUnixUs)} ORDER BY 1`;
  const rows = await database.reader((sql) => sql.query<{ name: string }>(database.text(statement), bind.values));
  return rows.map((row) => row.name);
}

export async function readOperations(
  database: Database,
  range: TimeRange,
  service: string | undefined,
): Promise<OperationName[]> {
  checkRange(range);
  const bind = new Bindings();
  const statement = `SELECT DISTINCT operation_name COLLATE "C" AS name, resource COLLATE "C" AS resource FROM :"schema".forge_traces
WHERE start_time >= ${bind.time(range.startUnixUs)} AND start_time < ${bind.time(range.endUnixUs)}
${service === undefined ? '' : `AND service_name = ${bind.add(service)}`} ORDER BY 1, 2`;
  const rows = await database.reader((sql) => sql.query<OperationName>(database.text(statement), bind.values));
  return rows.map(({ name, resource }) => ({ name, resource }));
}
