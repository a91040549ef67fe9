import type { JSX } from 'preact';

export function MapPage(): JSX.Element {
  return <p>soon</p>;
}
