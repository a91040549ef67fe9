import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The name in the package.json nearest to the program, else the program's file name, else `node`. */
export function nameOfProgram(program: string | undefined = process.argv[1]): string {
  if (program === undefined) return 'node';
  for (let folder = dirname(program); ; folder = dirname(folder)) {
    try {
      const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown };
      if (typeof name === 'string' && name !== '') return name;
    } catch {
      // Not here: one folder up.
    }
    if (folder === dirname(folder)) return basename(program).replace(/\.[cm]?[jt]s$/, '');
  }
}
