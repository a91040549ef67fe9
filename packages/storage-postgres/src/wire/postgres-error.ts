/** What the server, or the way to it, answered a statement with. */
export class PostgresError extends Error {
  /** The server's SQLSTATE of five characters, or one of `CONNECTION_CLOSED`, `CONNECT_TIMEOUT`, `TIMEOUT`, `ECONNREFUSED` and Node's other codes. */
  readonly code: string;
  readonly detail: string | undefined;
  readonly where: string | undefined;
  /** Whether the server ended the session with it. */
  readonly fatal: boolean;

  constructor(
    code: string,
    message: string,
    fields: { detail?: string; where?: string; fatal?: boolean; cause?: unknown } = {},
  ) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'PostgresError';
    this.code = code;
    this.detail = fields.detail;
    this.where = fields.where;
    this.fatal = fields.fatal ?? false;
  }
}

/** An ErrorResponse's or NoticeResponse's fields: a letter, text, NUL; and so on, until NUL. */
function parseErrorFields(body: Buffer): Map<string, string> {
  const fields = new Map<string, string>();
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at + 1);
    fields.set(String.fromCharCode(body[at]), body.toString('utf8', at + 1, end));
    at = end + 1;
  }
  return fields;
}

export function errorOf(body: Buffer): PostgresError {
  const fields = parseErrorFields(body);
  const detail = fields.get('D');
  const where = fields.get('W');
  const severity = fields.get('V') ?? fields.get('S');
  return new PostgresError(fields.get('C') ?? 'XX000', fields.get('M') ?? 'unknown error', {
    fatal: severity === 'FATAL' || severity === 'PANIC',
    ...(detail === undefined ? {} : { detail }),
    ...(where === undefined ? {} : { where }),
  });
}
