import fc from 'fast-check';

/** `read`, or the code of the error that `decode` threw, or what it broke with. */
export function outcome(decode: () => unknown): string {
  try {
    decode();
    return 'read';
  } catch (error) {
    return (error as { code?: string }).code ?? `broke: ${String(error)}`;
  }
}

/** What a decoder may do with damaged input. */
export const READ_OR_REFUSED = /^(read|FORGE_FORMAT_(INVALID|TOO_LARGE|UNKNOWN))$/;

/** The outcomes of `decode` over every truncation of `bytes` and `runs` random changes of some of its bytes. */
export function outcomesOfDamage(
  bytes: Uint8Array,
  decode: (damaged: Uint8Array) => unknown,
  runs = 1500,
): Set<string> {
  const outcomes = new Set<string>();
  for (let length = 0; length < bytes.length; length++) outcomes.add(outcome(() => decode(bytes.subarray(0, length))));
  const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  for (const change of fc.sample(changes, runs)) {
    const damaged = Uint8Array.from(bytes);
    for (const [at, byte] of change) damaged[at] = byte;
    outcomes.add(outcome(() => decode(damaged)));
  }
  return outcomes;
}
