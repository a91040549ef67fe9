/** A key whose text refers to a variable that is not set. */
export interface DanglingReference {
  readonly path: PropertyKey[];
  readonly name: string;
}

/**
 * Replaces `${NAME}` in the texts of a file by the variable's value; `$${` stands for `${`.
 * So that secrets need not stand in the file.
 * @returns the values, the keys that had a reference (as JSON paths), and the references to variables that are not set
 */
export function resolveReferences(
  values: Record<string, unknown>,
  env: NodeJS.ProcessEnv,
): { values: Record<string, unknown>; referring: Set<string>; dangling: DanglingReference[] } {
  const referring = new Set<string>();
  const dangling: DanglingReference[] = [];

  function resolved(value: unknown, path: PropertyKey[]): unknown {
    if (typeof value === 'string') {
      return value.replaceAll(/\$?\$\{([^}]*)\}/g, (reference, name: string) => {
        if (reference.startsWith('$$')) return reference.slice(1);
        referring.add(JSON.stringify(path));
        const text = env[name];
        if (!text) dangling.push({ path, name });
        return text ?? '';
      });
    }
    if (Array.isArray(value)) return value.map((item, i) => resolved(item, [...path, i]));
    if (typeof value !== 'object' || value === null || value instanceof Date) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, resolved(inner, [...path, name])]));
  }

  return { values: resolved(values, []) as Record<string, unknown>, referring, dangling };
}
