/** No function of that name is known to the executor. Not retryable. */
export const UNKNOWN_FUNCTION = 'FORGE_FUNCTIONS_UNKNOWN';

/** Two functions given to one executor have the same name. */
export const DUPLICATE_FUNCTION = 'FORGE_FUNCTIONS_DUPLICATE';
