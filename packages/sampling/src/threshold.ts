/**
 * A rejection threshold of OpenTelemetry's consistent probability sampling: a trace is sampled when its 56 random bits
 * are at or above it. Kept as two halves, since 56 bits do not fit a double.
 *
 *     trace id   0af7651916cd43dd84 48eb211c80319c      th:e666 = e6660000000000
 *                                  '--- 14 digits: >= ---'
 *
 * https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
 */
export interface Threshold {
  /** The upper 24 bits. */
  readonly high: number;
  /** The lower 32 bits, unsigned. */
  readonly low: number;
  /** Hex without trailing zeros, as after `th:`; `0` samples everything. */
  readonly text: string;
  /** What the bits stand for exactly, 0 < probability <= 1. */
  readonly probability: number;
  /** 1 / probability. */
  readonly weight: number;
}

const DIGITS = 14;
const PRECISION = 4;
const TWO_56 = 2 ** 56;
const TWO_32 = 2 ** 32;

/**
 * The threshold of a sampling rate, to 4 significant hex digits as the specification recommends: 0.1 is `e666`.
 * Near 0 and 1 more digits are used, so that the relative error stays the same.
 * @param rate 0 to 1; below 2^-56 nothing is sampled
 * @returns undefined where nothing is sampled
 */
export function thresholdOfRate(rate: number): Threshold | undefined {
  if (!(rate >= 1 / TWO_56)) return undefined;
  if (rate >= 1) return make(0n);
  const digits = Math.min(
    DIGITS,
    Math.max(PRECISION + Math.trunc(leadingZeroBits(rate) / 4), PRECISION + Math.trunc(leadingZeroBits(1 - rate) / 4)),
  );
  let bits = BigInt(TWO_56) - BigInt(Math.round(rate * TWO_56));
  const shift = BigInt(4 * (DIGITS - digits));
  if (shift > 0n) bits = ((bits + (1n << (shift - 1n))) >> shift) << shift;
  return bits >= BigInt(TWO_56) ? undefined : make(bits);
}

/** Binary zeros after the point and before the first one: 0 for 0.5 and more. */
function leadingZeroBits(fraction: number): number {
  return Math.max(0, -Math.floor(Math.log2(fraction)) - 1);
}

/** The threshold written as 1 to 14 lowercase hex digits; undefined for anything else. */
export function parseThreshold(text: string): Threshold | undefined {
  if (text.length === 0 || text.length > DIGITS || !isHex(text)) return undefined;
  return make(BigInt(`0x${text.padEnd(DIGITS, '0')}`));
}

function make(bits: bigint): Threshold {
  let text = bits.toString(16).padStart(DIGITS, '0');
  let end = text.length;
  while (end > 1 && text.charCodeAt(end - 1) === 48) end--;
  text = text.slice(0, end);
  const probability = Number(BigInt(TWO_56) - bits) / TWO_56;
  return {
    high: Number(bits >> 32n),
    low: Number(bits & 0xffffffffn),
    text,
    probability,
    weight: 1 / probability,
  };
}

/** Whether randomness of these bits is sampled. `low` may be a signed word. */
export function passes(threshold: Threshold, high: number, low: number): boolean {
  const upper = high & 0xffffff;
  return upper > threshold.high || (upper === threshold.high && low >>> 0 >= threshold.low);
}

/** Randomness as a fraction of 1, to 53 bits: for comparing with a rate that is not worth a threshold. */
export function randomnessOf(high: number, low: number): number {
  return ((high & 0xffffff) * TWO_32 + (low >>> 0)) / TWO_56;
}

/** Whether `text` has only lowercase hex digits. */
export function isHex(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return false;
  }
  return true;
}
