/**
 * A log-linear histogram of durations in whole microseconds: 16 buckets to each doubling, so a bucket's bounds lie
 * within 6.25 % of each other. Merging two is adding their counts.
 *
 *     0 1 2 ... 31 | 32 34 36 ... 62 | 64 68 ... 124 | 128 ...
 *     one each     | 16 of width 2   | 16 of width 4 |
 */
const SUB_BITS = 4;
const SUB = 1 << SUB_BITS;
/** Durations from 2^40 us (12 days) on share the last bucket. */
const MAX_EXPONENT = 40;
const BUCKETS = 2 * SUB + (MAX_EXPONENT - SUB_BITS - 1) * SUB;

/** The bucket of a duration, 0 to 591. */
export function bucketOf(us: number): number {
  if (us < 2 * SUB) return us > 0 ? us | 0 : 0;
  let exponent: number;
  let mantissa: number;
  if (us < 0x80000000) {
    exponent = 31 - Math.clz32(us);
    mantissa = us >>> (exponent - SUB_BITS);
  } else {
    const upper = Math.floor(us / 0x10000);
    if (upper >= 2 ** (MAX_EXPONENT - 16)) return BUCKETS - 1;
    exponent = 47 - Math.clz32(upper);
    mantissa = upper >>> (exponent - 16 - SUB_BITS);
  }
  return 2 * SUB + (exponent - SUB_BITS - 1) * SUB + (mantissa - SUB);
}

/** The lowest duration of a bucket, in microseconds. */
export function bucketStartUs(bucket: number): number {
  if (bucket < 2 * SUB) return bucket;
  const exponent = ((bucket - 2 * SUB) >> SUB_BITS) + SUB_BITS + 1;
  return (SUB + ((bucket - 2 * SUB) & (SUB - 1))) * 2 ** (exponent - SUB_BITS);
}

/** Counts, sum and maximum of durations. */
export class LatencyHistogram {
  count = 0;
  sumUs = 0;
  maxUs = 0;
  // Most operations touch a few doublings only: the array grows to the highest bucket seen.
  #counts = new Uint32Array(64);

  add(us: number): void {
    this.count++;
    this.sumUs += us;
    if (us > this.maxUs) this.maxUs = us;
    const bucket = bucketOf(us);
    if (bucket >= this.#counts.length) this.#grow(bucket);
    this.#counts[bucket]++;
  }

  merge(other: LatencyHistogram): this {
    this.count += other.count;
    this.sumUs += other.sumUs;
    this.maxUs = Math.max(this.maxUs, other.maxUs);
    if (other.#counts.length > this.#counts.length) this.#grow(other.#counts.length - 1);
    for (let i = 0; i < other.#counts.length; i++) this.#counts[i] += other.#counts[i];
    return this;
  }

  /** The duration that a share `q` (0 to 1) of all does not exceed, to 6.25 %; 0 for an empty histogram. */
  quantileUs(q: number): number {
    let left = Math.max(1, Math.ceil(q * this.count));
    for (let i = 0; i < this.#counts.length; i++) {
      left -= this.#counts[i];
      if (left <= 0) return Math.min(this.maxUs, bucketStartUs(i + 1));
    }
    return this.maxUs;
  }

  /** Pairs of (buckets skipped, count) as LEB128 varints: 2 to 3 bytes a used bucket. */
  encode(): Uint8Array {
    const bytes: number[] = [];
    let last = -1;
    for (let i = 0; i < this.#counts.length; i++) {
      const count = this.#counts[i];
      if (count === 0) continue;
      varint(bytes, i - last - 1);
      varint(bytes, count);
      last = i;
    }
    return Uint8Array.from(bytes);
  }

  /** Reads what `encode` wrote; buckets that do not exist are ignored. `count` is theirs, the sum and maximum are not in the bytes. */
  static decode(bytes: Uint8Array, sumUs: number, maxUs: number): LatencyHistogram {
    const histogram = new LatencyHistogram();
    histogram.sumUs = sumUs;
    histogram.maxUs = maxUs;
    let bucket = -1;
    let at = 0;
    const read = (): number => {
      let value = 0;
      let scale = 1;
      while (at < bytes.length) {
        const byte = bytes[at++];
        value += (byte & 127) * scale;
        if (byte < 128) break;
        scale *= 128;
      }
      return value;
    };
    while (at < bytes.length) {
      bucket += read() + 1;
      const count = read();
      if (bucket >= BUCKETS) break;
      if (bucket >= histogram.#counts.length) histogram.#grow(bucket);
      histogram.#counts[bucket] = count;
      histogram.count += count;
    }
    return histogram;
  }

  #grow(bucket: number): void {
    const counts = new Uint32Array(Math.min(BUCKETS, (bucket + 64) & ~63));
    counts.set(this.#counts);
    this.#counts = counts;
  }
}

function varint(bytes: number[], value: number): void {
  while (value >= 128) {
    bytes.push((value % 128) | 128);
    value = Math.floor(value / 128);
  }
  bytes.push(value);
}
