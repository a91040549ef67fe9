import type { DoctorTracer } from './doctor-tracer.ts';
import type { OpenStore } from './open-store.ts';

/** Where a command runs: all that it knows of the world outside. Tests give another one. */
export interface CommandHost {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Answers: for people, or JSON. */
  readonly stdout: Output;
  /** Progress, hints and errors. */
  readonly stderr: Output;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  /** The store that the configuration names, opened at the first need. */
  readonly openStore: (options: StoreRequest) => Promise<OpenStore>;
  /** A tracer as an application would run it, for `forge doctor`. */
  readonly startTracer: (options: StoreRequest) => Promise<DoctorTracer>;
  /** Shows an address in the user's browser; resolves to whether there is one. */
  readonly openBrowser: (url: string) => Promise<boolean>;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface StoreRequest {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** `--config`: a forge.toml elsewhere. */
  readonly configFile: string | undefined;
  /** Lines for people: an embedded server that starts. */
  readonly onProgress: (line: string) => void;
}

/** Options of every command. */
export interface GlobalOptions {
  readonly json?: true;
  readonly url?: string;
  readonly token?: string;
  readonly config?: string;
}

/** Columns to draw in: the terminal's, else of `COLUMNS`, else 120. */
export function widthOf(host: CommandHost): number {
  const columns = host.stdout.columns ?? Number(host.env['COLUMNS']);
  return Number.isInteger(columns) && columns > 0 ? columns : 120;
}

export function writeJson(host: CommandHost, value: unknown): void {
  host.stdout.write(`${JSON.stringify(value, undefined, host.stdout.isTTY === true ? 2 : undefined)}\n`);
}
