import { ForgeError } from '@forge/core';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { ConfigErrors } from './errors.ts';
import { redactLine } from './redact.ts';
import { linesOfKeys } from './toml-lines.ts';

/** A parsed forge.toml. */
export interface ConfigFile {
  readonly path: string;
  /** As it is said to people: relative where it lies below the working folder. */
  readonly name: string;
  readonly values: Record<string, unknown>;
  /** The line of the key at `path`, or of the nearest one around it. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

/** `file`, else FORGE_CONFIG, else the nearest forge.toml from `cwd` upward. */
export function findConfigFile(cwd: string, env: NodeJS.ProcessEnv, file: string | undefined): string | undefined {
  const named = file ?? (env['FORGE_CONFIG'] || undefined);
  if (named !== undefined) return resolve(cwd, named);
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'forge.toml'))) return join(folder, 'forge.toml');
    if (dirname(folder) === folder) return undefined;
  }
}

/** @throws ForgeError invalid, unreadable */
export function readConfigFile(path: string, cwd: string): ConfigFile {
  const below = relative(cwd, path);
  const name = below.startsWith('..') ? path : below;
  let toml: string;
  try {
    toml = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ForgeError(ConfigErrors.unreadable, `${name} cannot be read: ${(cause as Error).message}`, { cause });
  }
  let values: Record<string, unknown>;
  try {
    values = parse(toml.replace(/^\uFEFF/, ''));
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    throw new ForgeError(ConfigErrors.invalid, brokenLine(name, toml, cause));
  }
  const lines = linesOfKeys(toml);
  return {
    path,
    name,
    values,
    lineOf(at) {
      for (let length = at.length; length > 0; length--) {
        const line = lines.get(JSON.stringify(at.slice(0, length)));
        if (line !== undefined) return line;
      }
      return undefined;
    },
  };
}

/** The parser's error is not passed on as the cause: it carries the whole text, secrets included. */
function brokenLine(name: string, toml: string, error: TomlError): string {
  const reason = error.message.split('\n')[0]?.replace('Invalid TOML document: ', '');
  const line = toml.split(/\r?\n/)[error.line - 1] ?? '';
  return `${name}:${error.line}:${error.column}: not TOML: ${reason}\n  ${redactLine(line).trim()}`;
}
