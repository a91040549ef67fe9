import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';

/** What every segment file begins with. */
export const SEGMENT_HEAD = Buffer.from('FORGESP1');
const HEAD_BYTES = 12;
const LARGEST_RECORD = 256 * 1024 * 1024;

/**
 * One batch in a segment:
 *
 *     | length of the payload, 4 | spans, 4 | CRC-32 of the payload, 4 | payload ... |
 */
export function recordHead(payload: Uint8Array, spans: number): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt32LE(spans, 4);
  head.writeUInt32LE(crc32(payload), 8);
  return head;
}

export interface SegmentRecord {
  readonly payload: Uint8Array;
  readonly spans: number;
}

export interface SegmentContent {
  /** Records whose checksum is right, in order. */
  readonly records: SegmentRecord[];
  /** Spans of records that are damaged, as far as their heads can be trusted. */
  readonly lostSpans: number;
  /** What is wrong with it: undefined for a whole segment. */
  readonly damage: string | undefined;
}

/** Reads as much of a segment as is whole: a damaged record is passed over, a torn one ends it. */
export function readSegment(bytes: Buffer): SegmentContent {
  const records: SegmentRecord[] = [];
  let lostSpans = 0;
  let damage: string | undefined;
  if (bytes.length < SEGMENT_HEAD.length || !bytes.subarray(0, SEGMENT_HEAD.length).equals(SEGMENT_HEAD))
    return { records, lostSpans, damage: bytes.length === 0 ? 'empty' : 'not a segment' };
  for (let at = SEGMENT_HEAD.length; at < bytes.length;) {
    const rest = bytes.length - at - HEAD_BYTES;
    const length = rest < 0 ? 0 : bytes.readUInt32LE(at);
    const spans = rest < 0 ? 0 : bytes.readUInt32LE(at + 4);
    if (length === 0 || length > rest || length > LARGEST_RECORD) {
      damage ??= `torn at byte ${at}`;
      // Of a record that breaks off, the head still says how many spans it was meant to hold.
      if (rest >= 0 && length > rest && spans <= length) lostSpans += spans;
      break;
    }
    const payload = bytes.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length);
    if (crc32(payload) === bytes.readUInt32LE(at + 8)) records.push({ payload, spans });
    else {
      damage ??= `damaged at byte ${at}`;
      if (spans <= length) lostSpans += spans;
    }
    at += HEAD_BYTES + length;
  }
  return { records, lostSpans, damage };
}
