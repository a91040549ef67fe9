import { describe, expect, it } from 'vitest';
import { Decision, type Span, Status, withoutTracing } from '@forge/core';
import type { Instrumentation } from './contract.ts';
import { type Kit, lineOf, type Outcome, Run, type RunOptions, type Seen, tagsOf } from './conformance-run.ts';

/** One thing that an application does with the library. */
export interface ConformanceCase<App> {
  /**
   * Does it, and returns what the application sees of it, as plain data that is the same in every run; or throws what
   * the library throws. Call `seen.caller('...')` in callbacks and listeners: that is where contexts get lost.
   */
  run(app: App, seen: Seen): unknown;
  /** The spans that it makes, a line each: `db.query SELECT users`, a child indented by two more spaces. */
  readonly spans: readonly string[];
  /** Tags that spans must have, by their line without the indentation; others may be there too. */
  readonly tags?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Lines of the spans whose status is error; all others must not have it. */
  readonly fails?: readonly string[];
  /**
   * Spans that it makes inside of `withoutTracing`: none by default. A server of the same process does not see that its
   * caller is not traced.
   */
  readonly spansWithoutTracing?: readonly string[];
}

export interface ConformanceSubject<App> {
  /** A new plugin with the options under test. */
  make(): Instrumentation;
  /** What the plugin reaches through `host.onModule`: exports by module name. */
  readonly modules?: Readonly<Record<string, unknown>>;
  /** Builds what the cases use: a client, a server with a client. Called with the plugin running, and without any. */
  open(kit: Kit): App | Promise<App>;
  close?(app: App): unknown;
  /** Objects that the plugin changes: each of their own properties must be as before when it is disabled. */
  patched?(kit: Kit): readonly object[];
  readonly cases: Readonly<Record<string, ConformanceCase<App>>>;
  /** How a span is written in `spans`; `name resource` by default. */
  readonly line?: (span: Span) => string;
  /** How long to wait for spans that end after the call returned; default 2000. */
  readonly timeoutMs?: number;
}

const MAX_FAULTS = 500;

/**
 * Declares the tests of an instrumentation: a `describe` block of vitest.
 * @param name shown in the report
 */
export function describeInstrumentation<App>(name: string, subject: ConformanceSubject<App>): void {
  const { timeoutMs = 2000, modules = {} } = subject;
  const line = subject.line ?? lineOf;
  const cases = Object.entries(subject.cases);

  /** A run with its own tracer; the application is closed before tracing is. */
  async function withApp<T>(options: Partial<RunOptions>, work: (app: App, run: Run) => Promise<T>): Promise<T> {
    const run = new Run({ plugin: undefined, modules, ...options });
    try {
      const app = await subject.open(run);
      try {
        return await work(app, run);
      } finally {
        await subject.close?.(app);
      }
    } finally {
      run.close();
    }
  }

  const bare = new Map<string, Promise<Outcome>>();
  /** What the application sees without any tracing. */
  function bareOutcome(title: string, { run }: ConformanceCase<App>): Promise<Outcome> {
    let outcome = bare.get(title);
    if (outcome === undefined) {
      outcome = withApp({}, (app, bareRun) => bareRun.call(() => run(app, BLIND)));
      bare.set(title, outcome);
    }
    return outcome;
  }

  describe(`instrumentation ${name}`, () => {
    it('has a lower-case name and does nothing before it is enabled', () => {
      const kit = new Run({ plugin: undefined, modules });
      const before = snapshot(subject.patched?.(kit));
      const plugin = subject.make();
      expect(plugin.name).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(changesSince(before, subject.patched?.(kit))).toEqual([]);
      kit.close();
    });

    for (const [title, one] of cases) {
      it(`${title}: its spans stand below the caller's, and the application sees what it sees without them`, async () => {
        const expected = await bareOutcome(title, one);
        await withApp({ plugin: subject.make() }, async (app, run) => {
          expect(await run.call((seen) => one.run(app, seen))).toEqual(expected);
          await run.ended(one.spans.length + 1, timeoutMs);
          await settle();
          expect(run.tree(line)).toEqual(['caller', ...one.spans.map((text) => `  ${text}`)]);
          expect(run.complaints).toEqual([]);
          expect([...run.open].map(line)).toEqual([]);
          checkSpans(run.spans, one, line);
          expect(run.registry.states()[0]?.status).toBe('enabled');
        });
      });

      it(`${title}: nothing is recorded inside of withoutTracing`, async () => {
        const expected = await bareOutcome(title, one);
        const spans = one.spansWithoutTracing ?? [];
        await withApp({ plugin: subject.make() }, async (app, run) => {
          expect(await run.call(() => withoutTracing(() => one.run(app, BLIND)))).toEqual(expected);
          await run.ended(spans.length + 1, timeoutMs);
          await settle();
          expect(run.tree(line)).toEqual(['caller', ...spans]);
        });
      });

      it(`${title}: the application is unchanged in a trace that is dropped`, async () => {
        const expected = await bareOutcome(title, one);
        await withApp({ plugin: subject.make(), decision: Decision.dropped }, async (app, run) => {
          expect(await run.call(() => one.run(app, BLIND))).toEqual(expected);
          expect(run.spans).toEqual([]);
        });
      });

      it(`${title}: the application is unchanged whichever call of a hook throws, and the plugin is disabled`, async () => {
        const expected = await bareOutcome(title, one);
        let failing = 1;
        for (; failing <= MAX_FAULTS; failing++) {
          const reached = await withApp({ plugin: subject.make(), failingCall: failing }, async (app, run) => {
            const outcome = await run.call(() => one.run(app, BLIND));
            expect({ fault: run.faults.thrown, outcome }).toEqual({ fault: run.faults.thrown, outcome: expected });
            // Hooks may come after the answer: at the end of a served request.
            await run.ended(one.spans.length + 1, timeoutMs);
            await settle();
            if (run.faults.thrown === undefined) return false;
            const { thrown, started } = run.faults;
            expect({ thrown, state: run.registry.states()[0]?.status }).toEqual({ thrown, state: 'failed' });
            expect(failuresOf(run)).toBeGreaterThan(0);
            expect({ thrown, again: await run.call(() => one.run(app, BLIND)) }).toEqual({ thrown, again: expected });
            expect({ thrown, started: run.faults.started }).toEqual({ thrown, started });
            return true;
          });
          if (!reached) break;
        }
        const [calls, least] = [failing - 1, one.spans.length > 0 ? 1 : 0];
        expect({ calls, enough: calls >= least, bounded: calls < MAX_FAULTS }).toEqual({
          calls,
          enough: true,
          bounded: true,
        });
      });
    }

    it('is silent once it is disabled, in what was opened before too, and restores what it patched', async () => {
      const kit = new Run({ plugin: undefined, modules });
      const before = snapshot(subject.patched?.(kit));
      kit.close();
      await withApp({ plugin: subject.make() }, async (app, run) => {
        run.registry.disable();
        expect(changesSince(before, subject.patched?.(run))).toEqual([]);
        for (const [title, one] of cases)
          expect(await run.call(() => one.run(app, BLIND))).toEqual(await bareOutcome(title, one));
        await settle();
        expect(new Set(run.spans.map((span) => span.name))).toEqual(new Set(['caller']));
      });
    });

    it('traces again, and once, when it is enabled a second time', async () => {
      const [title, one] = cases[0];
      await withApp({ plugin: subject.make() }, () => Promise.resolve());
      await withApp({ plugin: subject.make() }, async (app, run) => {
        expect(await run.call(() => one.run(app, BLIND))).toEqual(await bareOutcome(title, one));
        await run.ended(one.spans.length + 1, timeoutMs);
        await settle();
        expect(run.tree(line)).toEqual(['caller', ...one.spans.map((text) => `  ${text}`)]);
      });
    });
  });
}

const BLIND: Seen = { caller: () => undefined, within: () => undefined };

function checkSpans<App>(spans: readonly Span[], one: ConformanceCase<App>, line: (span: Span) => string): void {
  const failed = spans.filter((span) => span.status === Status.error);
  expect(failed.map(line).sort()).toEqual([...(one.fails ?? [])].sort());
  for (const [text, tags] of Object.entries(one.tags ?? {})) {
    const span = spans.find((candidate) => line(candidate) === text);
    expect({ [text]: span && tagsOf(span) }).toMatchObject({ [text]: tags });
  }
}

function failuresOf(run: Run): number {
  return Object.entries(run.diagnostics.counts()).reduce(
    (sum, [name, count]) => (name.startsWith('forge_instrumentation_failures_total') ? sum + count : sum),
    0,
  );
}

/** Two turns of the event loop: what was to happen without waiting for anything has happened. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

type Descriptors = Readonly<Record<PropertyKey, PropertyDescriptor>>;

function snapshot(objects: readonly object[] = []): Descriptors[] {
  return objects.map((object) => Object.getOwnPropertyDescriptors(object));
}

/** Properties that were added, removed or changed, by identity: `object 0: emit`. */
function changesSince(before: readonly Descriptors[], objects?: readonly object[]): string[] {
  const after = snapshot(objects);
  return after.flatMap((now, index) => {
    const then = before[index];
    return [...new Set([...Reflect.ownKeys(then), ...Reflect.ownKeys(now)])]
      .filter((key) => !isSame(then[key as string], now[key as string]))
      .map((key) => `object ${index}: ${String(key)}`);
  });
}

function isSame(a: PropertyDescriptor | undefined, b: PropertyDescriptor | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    Object.is(a.value, b.value) &&
    a.get === b.get &&
    a.set === b.set &&
    a.writable === b.writable &&
    a.enumerable === b.enumerable &&
    a.configurable === b.configurable
  );
}
