const HIDDEN = '***';
const SECRET_NAME = /token|password|passwd|secret|header|authorization|api[-_]?key|credential|cookie/i;

/** Hides the password and secret parameters of every URL in a text. */
function redactUrls(text: string): string {
  return (
    text
      .replaceAll(/(:\/\/[^:/?#@\s]*):[^\s"']*@/g, `$1:${HIDDEN}@`)
      // Also where the protocol was forgotten.
      .replaceAll(/([^\s"':/@]+):(?!\/\/)[^\s"'@]+@/g, `$1:${HIDDEN}@`)
      .replaceAll(/([?&][^=&#\s]*(?:token|password|secret|key)[^=&#\s]*=)[^&#\s"']*/gi, `$1${HIDDEN}`)
  );
}

/** A value as it may be shown: as JSON, secrets hidden, at most 100 characters. */
export function shown(value: unknown, secret: boolean): string {
  const hidden = secret ? hideAll(value) : hideNamed(value);
  const text = redactUrls(JSON.stringify(hidden) ?? String(value));
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}

/** A line of a file as it may be shown. */
export function redactLine(line: string): string {
  const [, name] = /^([^=]*)=/.exec(line) ?? [];
  if (name !== undefined && SECRET_NAME.test(name)) return `${name}= ${HIDDEN}`;
  return SECRET_NAME.test(line) ? line.replaceAll(/=\s*("[^"]*"?|'[^']*'?)/g, `= ${HIDDEN}`) : redactUrls(line);
}

/** Tables keep their names: which headers are set is no secret. */
function hideAll(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return HIDDEN;
  return Object.fromEntries(Object.keys(value).map((name) => [name, HIDDEN]));
}

function hideNamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hideNamed);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, SECRET_NAME.test(name) ? HIDDEN : hideNamed(inner)]),
  );
}
