import type { EventEmitter } from 'node:events';

/** The parts of pg's objects that are used here; the documented ones, and the protocol between client and query. */
export interface PgClient extends EventEmitter {
  readonly database?: string;
  readonly connectionParameters?: { readonly database?: string };
  query(config: unknown, values?: unknown, callback?: unknown): unknown;
}

export interface PgPool extends EventEmitter {
  readonly idleCount: number;
  readonly waitingCount: number;
  connect(callback?: unknown): unknown;
  query(text: unknown, values?: unknown, callback?: unknown): unknown;
}

export type Callback = (error: unknown, result?: unknown, ...rest: unknown[]) => unknown;

/**
 * A query that takes part in the protocol itself: pg's own Query with events, a cursor, a stream, COPY.
 * The client calls these as the server answers; the last is `handleReadyForQuery`, after errors too.
 */
export interface Submittable {
  readonly text?: string;
  callback?: unknown;
  submit(connection: unknown): unknown;
  handleDataRow?(message: unknown): unknown;
  handleCommandComplete(message: { readonly text?: string }, connection: unknown): unknown;
  handleReadyForQuery(connection: unknown): unknown;
  handleError(error: unknown, connection: unknown): unknown;
  /** A cursor's. */
  read?: unknown;
  close?: unknown;
}

export function isSubmittable(config: unknown): config is Submittable {
  return (
    typeof config === 'object' &&
    config !== null &&
    typeof (config as Submittable).submit === 'function' &&
    typeof (config as Submittable).handleReadyForQuery === 'function' &&
    typeof (config as Submittable).handleError === 'function'
  );
}
