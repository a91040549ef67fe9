/** Whether a path is to be left out of tracing: one Set lookup for exact ones, which most are. */
export function createPathFilter(rules: readonly (string | RegExp)[]): (path: string) => boolean {
  const exact = new Set<string>();
  const prefixes: string[] = [];
  const patterns: RegExp[] = [];
  for (const rule of rules) {
    // Sticky and global patterns carry state from one test to the next.
    if (typeof rule !== 'string') patterns.push(new RegExp(rule.source, rule.flags.replace(/[gy]/g, '')));
    else if (rule.endsWith('*')) prefixes.push(rule.slice(0, -1));
    else exact.add(rule);
  }
  return (path) => {
    if (path.startsWith('/_api') && (path.length === 5 || path[5] === '/')) return true;
    if (exact.has(path)) return true;
    for (const prefix of prefixes) if (path.startsWith(prefix)) return true;
    for (const pattern of patterns) if (pattern.test(path)) return true;
    return false;
  };
}
