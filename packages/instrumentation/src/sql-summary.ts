import type { SqlSink } from './sql-scanner.ts';

/** What a trace may say of a statement. No field holds a literal. */
export interface SqlDescription {
  /** The statement's verb in upper case: `SELECT`, `INSERT`; of a WITH the main statement's. Undefined where the text starts with no word. */
  readonly operation: string | undefined;
  /** The first table, as written but unquoted: `users`, `public.users`. Names of CTEs and functions do not count. */
  readonly table: string | undefined;
  /** The text without literals and comments, cut to a length. */
  readonly query: string;
  /** Verbs and tables in the order of the text, as written: OpenTelemetry's `db.query.summary`. At most 255 characters. */
  readonly summary: string;
  /** The summary with its verbs in upper case: a span's resource, the same for `select` and `SELECT`. */
  readonly resource: string;
}

const MAX_SUMMARY_LENGTH = 255;
const MAX_NAME_LENGTH = 128;
const MAX_DEPTH = 64;

// Where a name is expected next, and what for.
const Expect = {
  nothing: 0,
  /** FROM, JOIN, a comma after them: a table, a function call or a subquery. */
  source: 1,
  /** INTO, UPDATE, COPY, ALTER TABLE: a table, whatever follows it. */
  target: 2,
  /** After CREATE, ALTER, DROP: the kind of thing, then its name. */
  kind: 3,
  /** The name of a thing that is no table: an index, a function. */
  thing: 4,
  /** The name of a CTE. */
  cte: 5,
  /** A name after AS: an alias, or the statement of CREATE .. AS. */
  alias: 6,
} as const;
type Expect = (typeof Expect)[keyof typeof Expect];

/** What the collector knows of one level of parentheses. */
interface Level {
  verb: string;
  expect: Expect;
  /** A comma now means another table. */
  list: Expect;
  /** A verb may start here: at a statement's start, after a parenthesis, after UNION. */
  fresh: boolean;
  /** Within WITH, before the main verb. */
  with: boolean;
}

const VERBS = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'VALUES', 'TABLE']);
const WITH_FROM = new Set(['SELECT', 'DELETE', 'UPDATE']);
const DDL = new Set(['CREATE', 'ALTER', 'DROP']);
const MODIFIERS = new Set([
  'OR',
  'REPLACE',
  'TEMP',
  'TEMPORARY',
  'UNLOGGED',
  'UNIQUE',
  'MATERIALIZED',
  'GLOBAL',
  'LOCAL',
  'RECURSIVE',
  'FOREIGN',
  'EVENT',
  'CONSTRAINT',
]);
const TABLE_KINDS = new Set(['TABLE', 'VIEW']);
const SOURCE_NOISE = new Set(['ONLY', 'LATERAL']);
const NAME_NOISE = new Set([
  'IF',
  'NOT',
  'EXISTS',
  'ONLY',
  'CONCURRENTLY',
  'TABLE',
  'FULL',
  'FREEZE',
  'VERBOSE',
  'ANALYZE',
  'MATERIALIZED',
  'VIEW',
]);
const SET_OPERATORS = new Set(['UNION', 'INTERSECT', 'EXCEPT']);
/** Verbs that a SELECT may follow in the same level. */
const BEFORE_SELECT = new Set(['INSERT', 'CREATE', 'EXPLAIN', 'DECLARE']);
const LIST_ENDS = new Set([
  'WHERE',
  'GROUP',
  'HAVING',
  'ORDER',
  'LIMIT',
  'OFFSET',
  'FETCH',
  'FOR',
  'WINDOW',
  'RETURNING',
  'SET',
  'VALUES',
]);
/** Verbs whose table follows at once. */
const TARGET_VERBS = new Set([
  'UPDATE',
  'TABLE',
  'TRUNCATE',
  'COPY',
  'LOCK',
  'REFRESH',
  'ANALYZE',
  'VACUUM',
  'REINDEX',
  'CLUSTER',
]);

const OPEN = 40;
const CLOSE = 41;
const COMMA = 44;
const DOT = 46;
const SEMICOLON = 59;

/**
 * Collects verbs and tables from the scanner's words. It is no parser: it knows a handful of places where a table
 * can stand, and says less rather than something wrong where it meets anything else.
 */
export class SummaryCollector implements SqlSink {
  operation: string | undefined = undefined;
  table: string | undefined = undefined;
  #summary = '';
  #resource = '';
  #full = false;
  #firstVerb: string | undefined = undefined; // for a statement that is all in parentheses
  #levels: Level[] = [newLevel()];
  #tooDeep = 0;
  #ctes: string[] | undefined = undefined;
  #before = ''; // the word before, in upper case; empty after a mark
  #name = ''; // a name that may still grow by a dot
  #nameFor: Expect = Expect.nothing;
  #dotted = false;

  word(text: string, quoted: boolean): void {
    if (this.#dotted) {
      // After a dot every word is a name's part, be it SELECT.
      this.#dotted = false;
      if (this.#name !== '') this.#name = `${this.#name}.${text}`;
      return;
    }
    this.#endName(false);
    if (this.#tooDeep > 0) return;
    const level = this.#level();
    const upper = quoted ? '' : text.toUpperCase();
    const before = this.#before;
    this.#before = upper;
    if (level.expect !== Expect.nothing && this.#expected(level, text, upper)) return;
    if (quoted) return;
    if (this.#verb(level, text, upper)) return;
    this.#clause(level, upper, before);
  }

  mark(code: number): void {
    if (code === DOT) {
      this.#dotted = true;
      return;
    }
    this.#dotted = false;
    this.#endName(code === OPEN);
    this.#before = '';
    if (code === OPEN) this.#open();
    else if (code === CLOSE) this.#close();
    else if (this.#tooDeep > 0) return;
    else if (code === COMMA) {
      const level = this.#level();
      level.expect = level.with ? Expect.cte : level.list;
    } else if (code === SEMICOLON) {
      if (this.#levels.length === 1) this.#levels[0] = newLevel();
    } else this.#level().expect = Expect.nothing;
  }

  value(): void {
    this.#dotted = false;
    this.#endName(false);
    this.#before = '';
    if (this.#tooDeep === 0) this.#level().expect = Expect.nothing;
  }

  /** To be called once, after the last token. */
  finish(query: string): SqlDescription {
    this.#endName(false);
    const summary = this.#summary;
    return {
      operation: this.operation ?? this.#firstVerb,
      table: this.table,
      query,
      summary,
      resource: this.#resource === summary ? summary : this.#resource,
    };
  }

  /** A word where a name is expected. Returns whether it is dealt with. */
  #expected(level: Level, text: string, upper: string): boolean {
    const expect = level.expect;
    if (expect === Expect.alias) {
      level.expect = Expect.nothing;
      if ((level.verb === 'CREATE' || level.verb === 'PREPARE') && (VERBS.has(upper) || upper === 'WITH')) {
        level.fresh = true;
        return false;
      }
      // AS [NOT] MATERIALIZED ( ... is no alias, but needs nothing either.
      return true;
    }
    if (expect === Expect.kind) {
      if (MODIFIERS.has(upper)) return true;
      this.#add(text, upper);
      level.expect = TABLE_KINDS.has(upper) ? Expect.target : Expect.thing;
      if (level.expect === Expect.target && level.verb === 'DROP') level.list = Expect.target;
      return true;
    }
    if ((expect === Expect.source ? SOURCE_NOISE : NAME_NOISE).has(upper)) return true;
    if (expect === Expect.thing && upper === 'ON') return false; // CREATE INDEX ON t: it has no name
    if (expect === Expect.cte) {
      if (upper === 'RECURSIVE') return true;
      (this.#ctes ??= []).push(text.toLowerCase());
      level.expect = Expect.nothing;
      return true;
    }
    if (expect === Expect.source && (upper === 'SELECT' || upper === 'WITH' || upper === 'VALUES')) {
      level.expect = Expect.nothing;
      return false;
    }
    level.expect = Expect.nothing;
    this.#name = text;
    this.#nameFor = expect;
    return true;
  }

  /** A word that starts a statement. Returns whether it is one. */
  #verb(level: Level, text: string, upper: string): boolean {
    if (SET_OPERATORS.has(upper) || upper === 'ALL' || upper === 'DISTINCT') return false;
    const open = level.fresh || BEFORE_SELECT.has(level.verb);
    if (!open) return false;
    if (upper === 'SELECT') return this.#begin(level, text, upper);
    if (upper === 'WITH') {
      level.with = true;
      level.fresh = true;
      level.expect = Expect.cte;
      return true;
    }
    if (!level.fresh) return false;
    // A statement's first word names its operation, whatever it is.
    if (this.#levels.length === 1 && level.verb === '' && !level.with) return this.#begin(level, text, upper);
    // VALUES and TABLE only name an operation where they are the whole statement.
    if (VERBS.has(upper) && upper !== 'VALUES' && upper !== 'TABLE') return this.#begin(level, text, upper);
    // In a WITH the main verb is still to come, and after EXPLAIN there may be options.
    if (!level.with && level.verb !== 'EXPLAIN') level.fresh = false;
    return false;
  }

  #begin(level: Level, text: string, upper: string): boolean {
    // EXPLAIN goes on to the statement it explains; its name stays the operation.
    level.fresh = upper === 'EXPLAIN';
    level.with = false;
    level.verb = upper;
    level.list = Expect.nothing;
    level.expect = Expect.nothing;
    if (this.#levels.length === 1) this.operation ??= upper;
    this.#firstVerb ??= upper;
    this.#add(text, upper);
    if (DDL.has(upper)) level.expect = Expect.kind;
    else if (TARGET_VERBS.has(upper)) {
      level.expect = Expect.target;
      if (upper === 'TRUNCATE' || upper === 'LOCK') level.list = Expect.target;
    } else if (upper === 'CALL') level.expect = Expect.thing;
    return true;
  }

  /** A word within a statement. */
  #clause(level: Level, upper: string, before: string): void {
    switch (upper) {
      case 'FROM':
        // Not a table: IS DISTINCT FROM x, extract(year FROM x), FETCH 1 FROM cursor, COPY t FROM stdin.
        if (WITH_FROM.has(level.verb) && before !== 'DISTINCT') {
          level.expect = Expect.source;
          level.list = Expect.source;
        }
        return;
      case 'JOIN':
        level.expect = Expect.source;
        return;
      case 'INTO':
        if (level.verb === 'INSERT' || level.verb === 'MERGE' || level.verb === 'SELECT') level.expect = Expect.target;
        return;
      case 'USING':
        if (level.verb === 'DELETE' || level.verb === 'MERGE') {
          level.expect = Expect.source;
          if (level.verb === 'DELETE') level.list = Expect.source;
        }
        return;
      case 'ON':
        if (level.verb === 'CREATE' && this.table === undefined) level.expect = Expect.target;
        return;
      case 'AS':
        level.expect = Expect.alias;
        return;
      case 'UNION':
      case 'INTERSECT':
      case 'EXCEPT':
        level.fresh = true;
        level.list = Expect.nothing;
        return;
      default:
        if (LIST_ENDS.has(upper)) level.list = Expect.nothing;
    }
  }

  #open(): void {
    if (this.#levels.length >= MAX_DEPTH) {
      this.#tooDeep++;
      return;
    }
    const outer = this.#level();
    const level = newLevel();
    // FROM (a JOIN b ..) holds tables, FROM (SELECT ..) a statement of its own.
    if (outer.expect === Expect.source) {
      level.expect = Expect.source;
      level.list = Expect.source;
    }
    if (outer.expect !== Expect.cte) outer.expect = Expect.nothing;
    // A statement in parentheses: what follows it is no verb, unless by UNION.
    if (outer.verb === '' && !outer.with) outer.fresh = false;
    this.#levels.push(level);
  }

  #close(): void {
    if (this.#tooDeep > 0) this.#tooDeep--;
    else if (this.#levels.length > 1) this.#levels.pop();
  }

  #level(): Level {
    return this.#levels.at(-1) as Level;
  }

  /** The name before is whole now. One with a parenthesis after FROM was a function. */
  #endName(call: boolean): void {
    const name = this.#name;
    if (name === '') return;
    this.#name = '';
    const use = this.#nameFor;
    if (use === Expect.source && (call || this.#ctes?.includes(name.toLowerCase()) === true)) return;
    if (use !== Expect.thing) this.table ??= name.slice(0, MAX_NAME_LENGTH);
    this.#add(name.slice(0, MAX_NAME_LENGTH), undefined);
  }

  /** Adds a verb (with its upper case) or a name, whole or not at all. */
  #add(text: string, upper: string | undefined): void {
    if (this.#full) return;
    const length = this.#summary.length + text.length + 1;
    if (length > MAX_SUMMARY_LENGTH) {
      this.#full = true;
      return;
    }
    const gap = this.#summary === '' ? '' : ' ';
    this.#summary += gap + text;
    this.#resource += gap + (upper ?? text);
  }
}

function newLevel(): Level {
  return { verb: '', expect: Expect.nothing, list: Expect.nothing, fresh: true, with: false };
}
