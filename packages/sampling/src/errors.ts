/** A sampling option that is outside its range; the message names it, its value and what is allowed. */
export const INVALID_OPTION = 'FORGE_SAMPLING_INVALID_OPTION';
