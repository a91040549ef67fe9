import { signal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { apiUrl, getJson } from '../app/api.ts';

/** What the API knows to choose from; empty until it answers, and where it does not. */
export function useNames<Answer>(
  path: string,
  params: Readonly<Record<string, string>>,
  pick: (answer: Answer) => readonly string[],
): Signal<readonly string[]> {
  const url = apiUrl(path, params);
  let names = cache.get(url);
  if (names === undefined) {
    if (cache.size > 50) cache.clear();
    cache.set(url, (names = signal<readonly string[]>([])));
  }
  const found = names;
  useEffect(() => {
    if (found.value.length > 0) return;
    getJson<Answer>(url).then(
      (answer) => (found.value = pick(answer)),
      () => undefined, // Suggestions are a help, no need: the search says what is wrong.
    );
  }, [url]);
  return found;
}

const cache = new Map<string, Signal<readonly string[]>>();
