import { z } from 'zod';
import { parseBytes } from './bytes.ts';
import { parseDuration } from './duration.ts';

/** What is known of a key besides its type. */
export interface KeyFacts {
  /** The environment variable that overrides it. */
  readonly env?: string;
  /** What may stand there, to be read after "allowed is". */
  readonly allowed: string;
  /** Never shown: in messages, in `describeConfig`. */
  readonly secret?: boolean;
  /** How the variable's text becomes a value. Default `text`. */
  readonly as?: 'text' | 'number' | 'boolean' | 'list' | 'pairs' | 'flag-or-list';
}

const facts = z.registry<KeyFacts>();

/** A key with its facts. Without `fallback` it stays undefined when nobody gives it. */
function key<T extends z.ZodType>(schema: T, about: KeyFacts): z.ZodOptional<T>;
function key<T extends z.ZodType>(schema: T, about: KeyFacts, fallback: z.input<T>): z.ZodPrefault<T>;
function key(schema: z.ZodType, about: KeyFacts, fallback?: unknown): z.ZodType {
  const optional = fallback === undefined ? schema.optional() : schema.prefault(fallback);
  return optional.register(facts, about);
}

/** The facts of a schema made by `key`. */
export function factsOf(schema: z.ZodType): KeyFacts | undefined {
  return facts.get(schema);
}

/** Parses with `parse`, and accepts from `least` to `most`, both included and written as in the file. */
function measured(parse: (text: string) => number, least: string, most: string): z.ZodType<number, string> {
  const [min, max] = [parse(least), parse(most)];
  return z.string().transform((text, context) => {
    try {
      const value = parse(text);
      if (value >= min && value <= max) return value;
    } catch {
      // Said below.
    }
    context.issues.push({ code: 'custom', message: 'out of range', input: text });
    return z.NEVER;
  });
}

export function duration(env: string | undefined, fallback: string, least: string, most: string) {
  const allowed = `a duration from "${least}" to "${most}", written like "500ms", "1s" or "2m"`;
  return key(measured(parseDuration, least, most), { ...(env && { env }), allowed }, fallback);
}

export function optionalDuration(least: string, most: string) {
  const allowed = `a duration from "${least}" to "${most}", written like "500ms", "1s" or "2m"`;
  return key(measured(parseDuration, least, most), { allowed });
}

/** Kept for ever where it says so. */
export function durationOrForever(env: string, fallback: string, least: string, most: string) {
  const allowed = `a duration from "${least}" to "${most}", like "12h" or "7d", or "forever"`;
  const schema = z.union([z.literal('forever').transform(() => undefined), measured(parseDuration, least, most)]);
  return key(schema, { env, allowed }, fallback);
}

export function size(env: string, fallback: string, least: string, most: string) {
  const allowed = `a size from "${least}" to "${most}", written like "64KB", "32MB" or "1GB"`;
  return key(measured(parseBytes, least, most), { env, allowed }, fallback);
}

export function integer(env: string, fallback: number, least: number, most: number) {
  const allowed = `a whole number from ${least} to ${most}`;
  return key(z.int().min(least).max(most), { env, allowed, as: 'number' }, fallback);
}

export function port(env: string, fallback: number) {
  return key(
    z.int().min(0).max(65_535),
    { env, allowed: 'a port, 0 to 65535 (0: any free one)', as: 'number' },
    fallback,
  );
}

const RATE = { allowed: 'a number from 0.0 to 1.0', as: 'number' } as const;

export function rate(env: string, fallback: number) {
  return key(z.number().min(0).max(1), { env, ...RATE }, fallback);
}

export function optionalRate() {
  return key(z.number().min(0).max(1), RATE);
}

export function flag(env: string, fallback: boolean) {
  return key(z.boolean(), { env, allowed: 'true or false', as: 'boolean' }, fallback);
}

export function choice<const T extends readonly string[]>(env: string, of: T, fallback: T[number]) {
  return key(z.enum(of), { env, allowed: quoted(of) }, fallback);
}

export function optionalChoice<const T extends readonly string[]>(env: string, of: T) {
  return key(z.enum(of), { env, allowed: quoted(of) });
}

export function choices<const T extends readonly string[]>(env: string, of: T, fallback: T[number][]) {
  return key(z.array(z.enum(of)), { env, allowed: `a list of ${quoted(of)}`, as: 'list' }, fallback);
}

export function words(env: string, allowed: string, pattern: RegExp, fallback: string[]) {
  return key(z.array(z.string().regex(pattern)), { env, allowed, as: 'list' }, fallback);
}

export function pairs(env: string, allowed: string, secret = false) {
  return key(z.record(z.string(), z.string()), { env, allowed, secret, as: 'pairs' }, {});
}

export function flagOrWords(env: string, allowed: string, fallback: boolean) {
  return key(z.union([z.boolean(), z.array(z.string().min(1))]), { env, allowed, as: 'flag-or-list' }, fallback);
}

export function text(env: string, allowed: string, pattern: RegExp, fallback: string) {
  return key(z.string().regex(pattern), { env, allowed }, fallback);
}

export function optionalText(env: string | undefined, allowed: string, pattern: RegExp, secret = false) {
  return key(z.string().regex(pattern), { ...(env && { env }), allowed, secret });
}

/** An absolute URL of one of these protocols, with a host. */
export function url(env: string, protocols: readonly string[], example: string) {
  const schema = z.string().refine((value) => {
    const parsed = URL.canParse(value) ? new URL(value) : undefined;
    return parsed !== undefined && protocols.includes(parsed.protocol) && /^[a-z]+:\/\/./i.test(value);
  });
  return key(schema, { env, allowed: `a URL like "${example}"` });
}

function quoted(values: readonly string[]): string {
  return values
    .map((word) => `"${word}"`)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');
}
