import type { JSX } from 'preact';

export function HomePage(): JSX.Element {
  return <p>soon</p>;
}
