/** Paints text for a terminal, or leaves it as it is. */
export interface Paint {
  (style: Style, text: string): string;
}

export type Style = keyof typeof CODES;

// The sixteen colours that every terminal has, in the user's own theme. Red is for errors alone.
const CODES = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  magenta: '35',
  cyan: '36',
  brightGreen: '92',
  brightYellow: '93',
  brightBlue: '94',
  brightMagenta: '95',
  brightCyan: '96',
} as const;

const SERVICE_STYLES: readonly Style[] = [
  'cyan',
  'magenta',
  'yellow',
  'blue',
  'green',
  'brightCyan',
  'brightMagenta',
  'brightYellow',
  'brightBlue',
  'brightGreen',
];

export function createPaint(color: boolean): Paint {
  return (style, text) => (color && text !== '' ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
}

/** A colour for each service in the order given; from the eleventh on they repeat. */
export function serviceStyles(services: Iterable<string>): Map<string, Style> {
  const styles = new Map<string, Style>();
  for (const service of services) styles.set(service, SERVICE_STYLES[styles.size % SERVICE_STYLES.length]);
  return styles;
}

/** Whether to paint what goes to `stream`: by NO_COLOR (no-color.org), FORCE_COLOR, and whether it is a terminal. */
export function wantsColor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  const force = env['FORCE_COLOR'];
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}
