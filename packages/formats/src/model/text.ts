/** `text` with lone surrogates replaced by U+FFFD, as UTF-8 has it: JSON would escape them, and many parsers refuse that. */
export function wellFormed(text: string): string {
  return (text as unknown as { toWellFormed(): string }).toWellFormed();
}
