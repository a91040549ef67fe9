import {
  checkRange,
  storageError,
  StorageCode,
  wholeHours,
  type OperationName,
  type TagValues,
  type TagValuesQuery,
  type TimeRange,
} from '@forge/storage';
import type { Database } from '../database.ts';
import { Bindings } from '../search/bindings.ts';

export async function readServices(database: Database, range: TimeRange): Promise<string[]> {
  const bind = new Bindings();
  const rows = await select<{ name: string }>(
    database,
    `SELECT DISTINCT service_name AS name FROM :"schema".forge_operations_1h WHERE ${inHours(range, bind)}`,
    bind,
  );
  return rows.map((row) => row.name).sort();
}

export async function readOperations(
  database: Database,
  range: TimeRange,
  service: string | undefined,
): Promise<OperationName[]> {
  const bind = new Bindings();
  const rows = await select<OperationName>(
    database,
    `SELECT DISTINCT operation_name AS name, resource FROM :"schema".forge_operations_1h
WHERE ${inHours(range, bind)} ${ofService(service, bind)}`,
    bind,
  );
  return rows
    .map(({ name, resource }) => ({ name, resource }))
    .sort((a, b) => compareText(a.name, b.name) || compareText(a.resource, b.resource));
}

export async function readTagKeys(
  database: Database,
  range: TimeRange,
  service: string | undefined,
): Promise<string[]> {
  const bind = new Bindings();
  const rows = await select<{ key: string }>(
    database,
    `SELECT DISTINCT key FROM :"schema".forge_tag_keys_1h WHERE ${inHours(range, bind)} ${ofService(service, bind)}`,
    bind,
  );
  return rows.map((row) => row.key).sort();
}

export async function readTagValues(database: Database, query: TagValuesQuery): Promise<TagValues> {
  const { key, service, prefix, limit } = query;
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw storageError(
      StorageCode.queryInvalid,
      `limit: ${limit} is not allowed; expected a whole number from 1 to 1000`,
    );
  }
  const bind = new Bindings();
  const conditions = `${inHours(query, bind)} AND key = ${bind.add(key)} ${ofService(service, bind)}`;
  const begins = prefix === undefined || prefix === '' ? '' : `AND starts_with(value, ${bind.add(prefix)})`;
  const rows = await select<{ value: string | null; complete: boolean }>(
    database,
    `SELECT value, true AS complete FROM (
  SELECT DISTINCT value FROM :"schema".forge_tag_values_1h WHERE ${conditions} ${begins} ORDER BY value LIMIT ${limit + 1}
) AS found
UNION ALL
SELECT NULL, coalesce(bool_and(complete), true) FROM :"schema".forge_tag_keys_1h WHERE ${conditions}`,
    bind,
  );
  const values = rows.flatMap((row) => row.value ?? []).sort();
  const complete = rows.every((row) => row.complete) && values.length <= limit;
  return { values: values.slice(0, limit), complete };
}

function inHours(range: TimeRange, bind: Bindings): string {
  checkRange(range);
  const { startUnixUs, endUnixUs } = wholeHours(range);
  return `hour >= ${bind.time(startUnixUs)} AND hour < ${bind.time(endUnixUs)}`;
}

function ofService(service: string | undefined, bind: Bindings): string {
  return service === undefined ? '' : `AND service_name = ${bind.add(service)}`;
}

function select<T extends object>(database: Database, statement: string, bind: Bindings): Promise<T[]> {
  return database.reader((sql) => sql.query<T>(database.text(statement), bind.values));
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
