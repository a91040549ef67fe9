import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Pins, PinState } from './pins.ts';

type Id = [number, number, number, number];
const idOf = (n: number): Id => [1, n >> 4, n, n * 7];

describe('pins', () => {
  test('know what a map of ids would know, through pins, raises and ends', () => {
    const operation = fc.record({
      id: fc.nat(300),
      state: fc.constantFrom(PinState.parked, PinState.kept),
      passMs: fc.nat(20_000),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
        const pins = new Pins(16 * 1024 * 1024, 60_000);
        const model = new Map<number, { state: PinState; untilMs: number }>();
        let nowMs = 0;
        for (const { id, state, passMs } of operations) {
          nowMs += passMs * 10;
          pins.tick(nowMs);
          for (const [key, one] of model) if (one.untilMs <= nowMs - (nowMs % 1000)) model.delete(key);
          const before = model.get(id)?.state ?? PinState.none;
          expect(pins.set(...idOf(id), state, nowMs)).toBe(before);
          if (before < state) model.set(id, { state, untilMs: Math.ceil(nowMs / 1000) * 1000 + 60_000 });
          expect(pins.size).toBe(model.size);
          expect(pins.parked).toBe([...model.values()].filter((one) => one.state === PinState.parked).length);
        }
        for (let id = 0; id <= 300; id++) expect(pins.state(...idOf(id))).toBe(model.get(id)?.state ?? PinState.none);
      }),
      { numRuns: 50 },
    );
  });

  test('stay within their bound: the oldest go first, and are counted', () => {
    const pins = new Pins(64 * 1024, 60_000);
    for (let i = 0; i < 5000; i++) pins.set(...idOf(i), PinState.kept, 0);
    expect(pins.size).toBe(2048);
    expect(pins.evicted).toBe(5000 - 2048);
    expect(pins.state(...idOf(4999))).toBe(PinState.kept);
    expect(pins.state(...idOf(0))).toBe(PinState.none);
    pins.tick(61_000);
    expect(pins.size).toBe(0);
  });

  test('change their version with every change, so that nobody looks in vain', () => {
    const pins = new Pins(64 * 1024, 60_000);
    const { version } = pins;
    pins.set(...idOf(1), PinState.kept, 0);
    expect(pins.version).not.toBe(version);
    const after = pins.version;
    pins.set(...idOf(1), PinState.parked, 0);
    expect(pins.version).toBe(after);
  });
});
