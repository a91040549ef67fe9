/** A column of a result: its name and how its text is read. */
export interface Column {
  readonly name: string;
  readonly read: (body: Buffer, start: number, end: number) => unknown;
}

const text = (body: Buffer, start: number, end: number): string => body.toString('utf8', start, end);
const number = (body: Buffer, start: number, end: number): number => Number(body.toString('latin1', start, end));

/** By type: the oids of pg_type. What is not here comes as text: bigint and numeric, since a number may not hold them. */
const READERS: Readonly<Record<number, Column['read']>> = {
  16: (body, start) => body[start] === 116, // bool: t or f
  17: (body, start, end) => Buffer.from(body.toString('latin1', start + 2, end), 'hex'), // bytea: \x...
  21: number, // int2
  23: number, // int4
  700: number, // float4
  701: number, // float8
  114: (body, start, end) => JSON.parse(text(body, start, end)), // json
  3802: (body, start, end) => JSON.parse(text(body, start, end)), // jsonb
};

/** A RowDescription's columns. */
export function columnsOf(body: Buffer): Column[] {
  const count = body.readInt16BE(0);
  const columns: Column[] = [];
  let at = 2;
  for (let i = 0; i < count; i++) {
    const end = body.indexOf(0, at);
    const type = body.readUInt32BE(end + 7);
    columns.push({ name: body.toString('utf8', at, end), read: READERS[type] ?? text });
    at = end + 19;
  }
  return columns;
}

/** A DataRow as an object; NULL is null. */
export function rowOf(body: Buffer, columns: readonly Column[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  let at = 2;
  for (const column of columns) {
    const length = body.readInt32BE(at);
    at += 4;
    if (length < 0) row[column.name] = null;
    else {
      row[column.name] = column.read(body, at, at + length);
      at += length;
    }
  }
  return row;
}
