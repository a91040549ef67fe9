/**
 * Where each key of a TOML document stands: from its path, as JSON, to its line, counted from 1.
 * The parser does not tell; this reads the headers and the keys of a document that the parser has accepted,
 * and skips the values. A key within an inline table has the line of the key that the table belongs to.
 */
export function linesOfKeys(toml: string): ReadonlyMap<string, number> {
  return new Scanner(toml).scan();
}

class Scanner {
  readonly #text: string;
  readonly #lines = new Map<string, number>();
  /** How often each `[[name]]` has come, for the index in the path. */
  readonly #repeats = new Map<string, number>();
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): ReadonlyMap<string, number> {
    let table: (string | number)[] = [];
    for (;;) {
      this.#skip(/[\s\uFEFF]/y);
      const char = this.#text[this.#at];
      if (char === undefined) return this.#lines;
      if (char === '#') this.#toEndOfLine();
      else if (char === '[') table = this.#header();
      else this.#assignment(table);
    }
  }

  #header(): (string | number)[] {
    const repeated = this.#text.startsWith('[[', this.#at);
    this.#at += repeated ? 2 : 1;
    const line = this.#line;
    const path = this.#resolved(this.#keyPath());
    this.#at += repeated ? 2 : 1;
    for (let length = 1; length < path.length; length++) this.#note(path.slice(0, length), line);
    if (repeated) {
      const name = JSON.stringify(path);
      const index = (this.#repeats.get(name) ?? -1) + 1;
      this.#repeats.set(name, index);
      this.#note(path, line);
      path.push(index);
    }
    this.#note(path, line);
    return path;
  }

  /** A later header may go on below the last element of a repeated table. */
  #resolved(names: string[]): (string | number)[] {
    const path: (string | number)[] = [];
    names.forEach((name, i) => {
      path.push(name);
      const index = this.#repeats.get(JSON.stringify(path));
      if (index !== undefined && i < names.length - 1) path.push(index);
    });
    return path;
  }

  #assignment(table: (string | number)[]): void {
    const line = this.#line;
    const path = [...table];
    for (const name of this.#keyPath()) {
      path.push(name);
      this.#note(path, line);
    }
    this.#at++; // =
    this.#value();
  }

  #note(path: (string | number)[], line: number): void {
    const name = JSON.stringify(path);
    if (!this.#lines.has(name)) this.#lines.set(name, line);
  }

  /** `a."b.c".d`, up to the = or ] after it. */
  #keyPath(): string[] {
    const names: string[] = [];
    for (;;) {
      this.#skip(/[ \t]/y);
      const char = this.#text[this.#at];
      if (char === '"' || char === "'") {
        const quoted = this.#string();
        names.push(char === '"' ? unescaped(quoted) : quoted.slice(1, -1));
      } else {
        const start = this.#at;
        this.#skip(/[A-Za-z0-9_-]/y);
        names.push(this.#text.slice(start, this.#at));
      }
      this.#skip(/[ \t]/y);
      if (this.#text[this.#at] !== '.') return names;
      this.#at++;
    }
  }

  /** Up to the end of the line on which no string, list or table is open. */
  #value(): void {
    for (let depth = 0; this.#at < this.#text.length;) {
      const char = this.#text[this.#at];
      if (char === '"' || char === "'") this.#string();
      else if (char === '#') this.#toEndOfLine();
      else if (char === '\n' && depth === 0) return;
      else {
        if (char === '[' || char === '{') depth++;
        if (char === ']' || char === '}') depth--;
        this.#step();
      }
    }
  }

  /** A string of any of the four kinds, with its quotes. */
  #string(): string {
    const start = this.#at;
    const quote = this.#text[start] ?? '';
    const escapes = quote === '"';
    const end = this.#text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
    this.#at += end.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(end, this.#at)) {
      if (escapes && this.#text[this.#at] === '\\') this.#step();
      this.#step();
    }
    this.#at += end.length;
    // Up to two quotes may stand before the three that end it.
    while (end.length === 3 && this.#text[this.#at] === quote) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  #toEndOfLine(): void {
    while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') this.#at++;
  }

  #skip(what: RegExp): void {
    for (;;) {
      what.lastIndex = this.#at;
      if (!what.test(this.#text)) return;
      this.#step();
    }
  }

  #step(): void {
    if (this.#text[this.#at] === '\n') this.#line++;
    this.#at++;
  }
}

/** TOML's escapes are JSON's, and \U12345678 and \e. */
function unescaped(quoted: string): string {
  const json = quoted
    .replaceAll(/\\U([0-9a-fA-F]{8})/g, (_, hex: string) =>
      JSON.stringify(String.fromCodePoint(Number.parseInt(hex, 16))).slice(1, -1),
    )
    .replaceAll('\\e', '\\u001b')
    .replaceAll('\t', '\\t');
  try {
    return JSON.parse(json) as string;
  } catch {
    return quoted.slice(1, -1);
  }
}
