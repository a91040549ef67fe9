import type { JSX } from 'preact';

export function SearchPage(): JSX.Element {
  return <p>soon</p>;
}
