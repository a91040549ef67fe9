import type { JSX } from 'preact';

export function ComparePage(): JSX.Element {
  return <p>soon</p>;
}
