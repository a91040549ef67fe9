/** Injects the running tracer: `@Inject(FORGE) forge: Forge`. */
export const FORGE = Symbol('forge');

/** The module's own options. */
export const FORGE_OPTIONS = Symbol('forge options');
