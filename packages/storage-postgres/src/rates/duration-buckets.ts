/**
 * Counts of durations in log-linear buckets, 16 to each doubling: the buckets, and the bytes, of `LatencyHistogram` in
 * @forge/sampling. Here they are added up from the bytes of many rows, and by weights.
 *
 *     0 1 2 ... 31 | 32 34 36 ... 62 | 64 68 ... 124 | 128 ...
 *     one each     | 16 of width 2   | 16 of width 4 |
 */
const SUB = 16;
const SUB_BITS = 4;
/** Durations from 2^40 us (12 days) on share the last bucket. */
const MAX_EXPONENT = 40;
const BUCKETS = 2 * SUB + (MAX_EXPONENT - SUB_BITS - 1) * SUB;

/** The bucket of a duration in whole microseconds. */
export function bucketOf(us: number): number {
  if (us < 2 * SUB) return us > 0 ? Math.floor(us) : 0;
  if (us >= 2 ** MAX_EXPONENT) return BUCKETS - 1;
  let exponent = Math.floor(Math.log2(us));
  // log2 is off by one here and there next to a power of two.
  if (2 ** exponent > us) exponent--;
  else if (2 ** (exponent + 1) <= us) exponent++;
  const mantissa = Math.floor(us / 2 ** (exponent - SUB_BITS));
  return 2 * SUB + (exponent - SUB_BITS - 1) * SUB + (mantissa - SUB);
}

/** The lowest duration of a bucket, in microseconds. */
export function bucketStartUs(bucket: number): number {
  if (bucket < 2 * SUB) return bucket;
  const exponent = ((bucket - 2 * SUB) >> SUB_BITS) + SUB_BITS + 1;
  return (SUB + ((bucket - 2 * SUB) & (SUB - 1))) * 2 ** (exponent - SUB_BITS);
}

export class DurationBuckets {
  count = 0;
  sumUs = 0;
  maxUs = 0;
  /** By bucket, as far as the highest one that was needed. */
  counts = new Float64Array(0);

  /** Counts `weight` durations, whole. */
  add(us: number, weight: number): void {
    this.count += weight;
    this.sumUs += us * weight;
    if (us > this.maxUs) this.maxUs = us;
    const bucket = bucketOf(us);
    if (bucket >= this.counts.length) this.#grow(bucket);
    this.counts[bucket] += weight;
  }

  /** Adds what `encode` wrote, with the row's own count, sum and maximum. */
  addEncoded(bytes: Uint8Array, count: number, sumUs: number, maxUs: number): void {
    this.count += count;
    this.sumUs += sumUs;
    if (maxUs > this.maxUs) this.maxUs = maxUs;
    let bucket = -1;
    let at = 0;
    while (at < bytes.length) {
      let skipped = bytes[at++];
      if (skipped > 127) {
        skipped &= 127;
        for (let scale = 128, byte = 128; byte > 127 && at < bytes.length; scale *= 128) {
          byte = bytes[at++];
          skipped += (byte & 127) * scale;
        }
      }
      let many = bytes[at++] ?? 0;
      if (many > 127) {
        many &= 127;
        for (let scale = 128, byte = 128; byte > 127 && at < bytes.length; scale *= 128) {
          byte = bytes[at++];
          many += (byte & 127) * scale;
        }
      }
      bucket += skipped + 1;
      if (bucket >= BUCKETS) break;
      if (bucket >= this.counts.length) this.#grow(bucket);
      this.counts[bucket] += many;
    }
  }

  merge(other: DurationBuckets): void {
    this.count += other.count;
    this.sumUs += other.sumUs;
    if (other.maxUs > this.maxUs) this.maxUs = other.maxUs;
    if (other.counts.length > this.counts.length) this.#grow(other.counts.length - 1);
    for (let i = 0; i < other.counts.length; i++) this.counts[i] += other.counts[i];
  }

  /** The duration that a share `q` (0 to 1) of all does not exceed, to 6.25 %; 0 where there are none. */
  quantileUs(q: number): number {
    let left = Math.max(1, Math.ceil(q * this.count));
    for (let i = 0; i < this.counts.length; i++) {
      left -= this.counts[i];
      if (left <= 0) return Math.min(this.maxUs, bucketStartUs(i + 1) - 1);
    }
    return this.maxUs;
  }

  /** Pairs of (buckets skipped, count) as LEB128 varints. */
  encode(): Uint8Array {
    const bytes: number[] = [];
    let last = -1;
    for (let i = 0; i < this.counts.length; i++) {
      const count = this.counts[i];
      if (count === 0) continue;
      pushVarint(bytes, i - last - 1);
      pushVarint(bytes, count);
      last = i;
    }
    return Uint8Array.from(bytes);
  }

  #grow(bucket: number): void {
    const counts = new Float64Array(Math.min(BUCKETS, (bucket + 64) & ~63));
    counts.set(this.counts);
    this.counts = counts;
  }
}

function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}
