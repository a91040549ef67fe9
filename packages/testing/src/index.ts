/**
 * For tests of instrumentations, exporters and applications: a tracer that records what it is given.
 *
 * @example
 * const recorder = createRecorder();
 * await runInContext(recorder.context, () => doSomething());
 * expect(recorder.names()).toEqual(['db.query']);
 *
 * @module
 */
export { createRecorder, type Recorder } from './recorder.ts';
export { FakeClock } from './fake-clock.ts';
export { makeSpan } from './make-span.ts';
