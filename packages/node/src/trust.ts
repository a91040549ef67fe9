import type { PropagationOptions } from '@forge/propagation';

/** Who may force a trace to be kept: everybody, nobody, or the peers at these hosts. */
export function trustOf(peers: boolean | readonly string[]): NonNullable<PropagationOptions['trusted']> {
  if (typeof peers === 'boolean') return () => peers;
  const hosts = new Set(peers);
  return ({ peer }) => peer !== undefined && hosts.has(hostOfPeer(peer));
}

function hostOfPeer(peer: string): string {
  try {
    return new URL(peer).hostname;
  } catch {
    return peer;
  }
}
