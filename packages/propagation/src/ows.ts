/** Whether `code` is a space or a tab: HTTP's optional white space. */
export function isOws(code: number): boolean {
  return code === 32 || code === 9;
}

/** `text` without surrounding spaces and tabs. (`trim` would also take characters that make a header invalid.) */
export function trimOws(text: string, start = 0, end = text.length): string {
  while (start < end && isOws(text.charCodeAt(start))) start++;
  while (end > start && isOws(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}
