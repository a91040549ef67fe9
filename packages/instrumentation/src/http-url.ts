const REDACTED = 'REDACTED';
const MAX_PARAMETERS = 64;

/**
 * `target` (a path, or a URL) with the value of every query parameter replaced and the fragment cut off.
 * Names stay, since they tell what was asked; a parameter without `=` may be a token and is replaced whole.
 */
export function redactQuery(target: string): string {
  const hash = target.indexOf('#');
  const whole = hash < 0 ? target : target.slice(0, hash);
  const mark = whole.indexOf('?');
  if (mark < 0) return whole;
  let out = whole.slice(0, mark + 1);
  let at = mark + 1;
  for (let count = 0; at < whole.length; count++) {
    if (count === MAX_PARAMETERS) return `${out}...`;
    const ampersand = whole.indexOf('&', at);
    const end = ampersand < 0 ? whole.length : ampersand;
    const equals = whole.indexOf('=', at);
    out += equals >= 0 && equals < end ? whole.slice(at, equals + 1) + REDACTED : end > at ? REDACTED : '';
    if (ampersand >= 0) out += '&';
    at = end + 1;
  }
  return out;
}

/** An absolute URL without its credentials, whatever they hold; a path stays as it is. */
export function withoutCredentials(url: string): string {
  const scheme = url.indexOf('://');
  if (scheme < 0) return url;
  const authority = scheme + 3;
  let end = authority;
  while (end < url.length && !'/?#\\'.includes(url[end])) end++;
  const at = url.lastIndexOf('@', end - 1);
  return at < authority ? url : url.slice(0, authority) + url.slice(at + 1);
}
