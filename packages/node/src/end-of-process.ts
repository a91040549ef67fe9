export interface Drainable {
  /** Delivers what has ended so far. */
  flush(): Promise<unknown>;
  /** Delivers and frees everything. */
  shutdown(): Promise<unknown>;
}

/**
 * Drains before the process ends: when the event loop runs empty, and at SIGTERM and SIGINT. It never ends a process
 * that others hold: where somebody else listens for the signal too, only what there is is flushed and the other one
 * decides; where nobody does, the signal is raised again after the shutdown, as if nobody had listened.
 * Returns the undo.
 */
export function atEndOfProcess(forge: Drainable): () => void {
  const undo: (() => void)[] = [];
  const beforeExit = (): void => void forge.flush();
  process.once('beforeExit', beforeExit);
  undo.push(() => process.off('beforeExit', beforeExit));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const listener = (): void => {
      process.off(signal, listener);
      if (process.listenerCount(signal) > 0) void forge.flush();
      else void forge.shutdown().finally(() => process.kill(process.pid, signal));
    };
    process.on(signal, listener);
    undo.push(() => process.off(signal, listener));
  }
  return () => {
    for (const step of undo) step();
  };
}
