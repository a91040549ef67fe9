import type { AttributeList, Kind, Origin, Scope, Span } from '@forge/core';
import type { Operation } from './traffic.ts';

/** What many spans have in common, held once instead of in each: all but ids, times, status and attribute values. */
export interface SpanShape {
  readonly id: number;
  readonly name: string;
  readonly resource: string;
  readonly kind: Kind;
  readonly origin: Origin;
  readonly scope: Scope;
  readonly keys: readonly string[];
  /** The next shape of the same operation. */
  next: SpanShape | undefined;
}

const MAX_SHAPES = 8192;
const MAX_SHAPES_OF_OPERATION = 64;

/** All shapes of a process, by number. Never forgets one: spans in the ring refer to them. Bounded. */
export class SpanShapes {
  readonly #all: SpanShape[] = [];

  get(id: number): SpanShape {
    return this.#all[id];
  }

  get size(): number {
    return this.#all.length;
  }

  /** The shape of a span; undefined where there are too many: the span is then written out whole. */
  of(operation: Operation, span: Span): SpanShape | undefined {
    const { attributes, scope } = span;
    let shape = operation.shape;
    // An operation's folded resources are not its own.
    let seen = 0;
    for (; shape !== undefined; shape = shape.next, seen++) {
      if (
        shape.scope === scope &&
        shape.origin === span.origin &&
        shape.keys.length * 2 === attributes.length &&
        shape.resource === span.resource &&
        shape.name === span.name &&
        sameKeys(shape.keys, attributes)
      )
        return shape;
    }
    if (seen >= MAX_SHAPES_OF_OPERATION || this.#all.length >= MAX_SHAPES) return undefined;
    const keys: string[] = [];
    for (let i = 0; i < attributes.length; i += 2) keys.push(attributes[i] as string);
    shape = {
      id: this.#all.length,
      name: span.name,
      resource: span.resource,
      kind: span.kind,
      origin: span.origin,
      scope,
      keys,
      next: operation.shape,
    };
    operation.shape = shape;
    this.#all.push(shape);
    return shape;
  }
}

function sameKeys(keys: readonly string[], attributes: AttributeList): boolean {
  for (let i = 0; i < keys.length; i++) if (keys[i] !== attributes[i * 2]) return false;
  return true;
}
