/** `name` as PostgreSQL wants an identifier of any characters: `my "schema"` becomes `"my ""schema"""`. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `text` as a string literal, for the few statements that take no parameters. */
export function quoteLiteral(text: string): string {
  return text.includes('\\')
    ? ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${text.replaceAll("'", "''")}'`;
}

/**
 * Puts the schema's name into a statement in the place of `:"schema"`, psql's own notation for a quoted variable: so
 * the migration files also run in psql, with `-v schema=public`.
 */
export function inSchema(statement: string, schema: string): string {
  return statement.replaceAll(':"schema"', () => quoteIdentifier(schema));
}
