/** One line for people. `level` as usual; the text says what is wrong, where, and what to do. */
export type LogLine = (level: 'info' | 'warn' | 'error', message: string) => void;

/** Named counts at one moment: Prometheus names, labels included: `forge_spans_dropped_total{reason="queue_full"}`. */
export type Counts = Readonly<Record<string, number>>;

/**
 * How the tracer speaks of itself: one log line a problem, and counters that anyone may read.
 * Parts keep plain number fields and register a reader, so counting costs an increment.
 */
export class Diagnostics {
  readonly #log: LogLine;
  readonly #readers = new Set<() => Counts>();
  readonly #said = new Set<string>();

  constructor(log: LogLine = logToStderr) {
    this.#log = log;
  }

  info(message: string): void {
    this.#log('info', message);
  }

  /** Says `message` once for this `key`, however often it happens: at most 1,000 keys a process. */
  warnOnce(key: string, message: string): void {
    if (this.#said.has(key) || this.#said.size >= 1000) return;
    this.#said.add(key);
    this.#log('warn', message);
  }

  /** Lets a problem be said again, after it was over. */
  forget(key: string): void {
    this.#said.delete(key);
  }

  /** Adds a reader of counters; returns its removal. Readers of the same name are summed up. */
  register(reader: () => Counts): () => void {
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }

  /** All counters now, sorted by name. A reader that throws is left out. */
  counts(): Record<string, number> {
    const sums = new Map<string, number>();
    for (const reader of this.#readers) {
      try {
        for (const [name, value] of Object.entries(reader())) sums.set(name, (sums.get(name) ?? 0) + value);
      } catch {
        // A broken reader must not hide the others.
      }
    }
    return Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

function logToStderr(level: 'info' | 'warn' | 'error', message: string): void {
  process.stderr.write(`[forge] ${level === 'info' ? '' : `${level}: `}${message}\n`);
}
