import { KEYS } from './schema.ts';
import type { KeyFacts } from './keys.ts';
import { nearestName } from './nearest-name.ts';

/** A value for one key, and where it comes from. */
export interface GivenValue {
  readonly path: readonly string[];
  readonly value: unknown;
  /** `env FORGE_SAMPLE_RATE` */
  readonly from: string;
}

const PLUGIN_PREFIX = 'FORGE_INSTRUMENT_';
/** Of other parts of Forge. */
const OTHERS = new Set(['FORGE_CONFIG', 'FORGE_DATA_DIR']);

/** The values that `FORGE_*` gives. An empty variable counts as not set. What does not fit stays a text, for the schema to refuse. */
export function forgeVariables(env: NodeJS.ProcessEnv): { given: GivenValue[]; warnings: string[] } {
  const given: GivenValue[] = [];
  const known = new Set(OTHERS);
  for (const [path, facts] of KEYS) {
    if (facts.env === undefined) continue;
    known.add(facts.env);
    const text = env[facts.env];
    if (text) given.push({ path: path.split('.'), value: valueOf(text, facts.as), from: `env ${facts.env}` });
  }
  const warnings: string[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!text || !name.startsWith('FORGE_') || known.has(name)) continue;
    const meant = nearestName(name, known);
    if (meant !== undefined) warnings.push(`${name} is not known: did you mean ${meant}?`);
    else if (name.startsWith(PLUGIN_PREFIX)) {
      const plugin = name.slice(PLUGIN_PREFIX.length).toLowerCase();
      given.push({
        path: ['observability', 'instrument', plugin],
        value: valueOf(text, 'boolean'),
        from: `env ${name}`,
      });
    }
  }
  return { given, warnings };
}

function valueOf(text: string, as: KeyFacts['as'] = 'text'): unknown {
  switch (as) {
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
    case 'boolean':
      return (
        ({ true: true, '1': true, false: false, '0': false } as Record<string, boolean>)[text.toLowerCase()] ?? text
      );
    case 'flag-or-list': {
      const flag = valueOf(text, 'boolean');
      return typeof flag === 'boolean' ? flag : valueOf(text, 'list');
    }
    case 'list':
      return text.split(',').flatMap((item) => item.trim() || []);
    case 'pairs':
      return pairsOf(text) ?? text;
    case 'text':
      return text;
    default:
      return as satisfies never;
  }
}

/** `a=1,b=2`, percent-encoded as in W3C Baggage; undefined where it is not of that form. */
export function pairsOf(text: string): Record<string, string> | undefined {
  const pairs: Record<string, string> = {};
  try {
    for (const pair of text.split(',')) {
      if (pair.trim() === '') continue;
      const equals = pair.indexOf('=');
      if (equals < 1) return undefined;
      pairs[decodeURIComponent(pair.slice(0, equals).trim())] = decodeURIComponent(pair.slice(equals + 1).trim());
    }
  } catch {
    return undefined; // A stray %.
  }
  return pairs;
}
