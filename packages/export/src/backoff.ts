const LONGEST_ASKED_MS = 5 * 60_000;

/**
 * How long to wait after `failures` failures in a row, in milliseconds: doubling from `minMs` to `maxMs`, half of it
 * random so that many nodes do not come back at one moment; longer where the other side asked for it, 5 minutes at most.
 */
export function backoffMs(failures: number, minMs: number, maxMs: number, askedMs: number, random: number): number {
  const full = Math.min(maxMs, minMs * 2 ** Math.min(failures - 1, 30));
  const jittered = full / 2 + (full / 2) * random;
  return Math.max(jittered, Math.min(askedMs, LONGEST_ASKED_MS));
}
