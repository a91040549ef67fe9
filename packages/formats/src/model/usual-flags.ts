import type { Scope } from '@forge/core';

/** The trace flags that need not be said where a format has no field for them: sampled; of Forge's own spans, random too. */
export function usualFlags(scope: Scope): number {
  return scope.name.startsWith('@forge/') ? 3 : 1;
}
