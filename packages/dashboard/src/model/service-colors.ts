/** So many colours there are: `--s0` to `--s15`. Those eight apart are of one family, alike at a glance. */
const COLORS = 16;
const FAMILIES = 8;

/**
 * A colour number for each service, by its name: the same service has the same colour on every page, and two of one
 * trace share a family only where there are more than eight, and a colour where there are more than sixteen.
 */
export function assignColors(services: readonly string[]): Map<string, number> {
  const colors = new Map<string, number>();
  const taken = new Set<number>();
  for (const name of services.toSorted()) {
    let color = hash(name) % COLORS;
    const isTaken = (): boolean =>
      taken.has(color) || (taken.size < FAMILIES && taken.has((color + FAMILIES) % COLORS));
    // An odd step reaches every colour, and neighbours in the list are far apart.
    while (isTaken() && taken.size < COLORS) color = (color + 3) % COLORS;
    taken.add(color);
    colors.set(name, color);
  }
  return colors;
}

/** The colour of a service where no others are at hand. */
export function colorOfService(name: string): number {
  return hash(name) % COLORS;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}
