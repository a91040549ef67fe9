import { createRecorder } from '@forge/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentSpan, instrument, span, Span } from './index.ts';

const recorder = createRecorder();
let unregister: () => void;

beforeEach(() => {
  unregister = recorder.provider.register();
});

afterEach(() => {
  unregister();
  recorder.clear();
});

describe('span', () => {
  it('nests by scope, across awaits', async () => {
    const items = [1, 2];
    await span('process_items', async () => {
      for (const id of items) {
        await span('process_item', { item_id: id }, async () => {
          await new Promise((resolve) => setImmediate(resolve));
          span('save_item', () => undefined);
        });
      }
    });
    expect(recorder.tree()).toEqual([
      'process_items',
      '  process_item',
      '    save_item',
      '  process_item',
      '    save_item',
    ]);
    expect(recorder.spans.filter((s) => s.name === 'process_item').map((s) => recorder.tags(s))).toEqual([
      { item_id: 1 },
      { item_id: 2 },
    ]);
  });

  it('keeps concurrent branches apart', async () => {
    await span('all', async () => {
      await Promise.all(
        ['a', 'b'].map((name) =>
          span(name, async () => {
            await new Promise((resolve) => setImmediate(resolve));
            span(`${name}.child`, () => undefined);
          }),
        ),
      );
    });
    expect(recorder.tree()).toEqual(['all', '  a', '    a.child', '  b', '    b.child']);
  });

  it('returns what a synchronous function returns, and a promise for a promise', async () => {
    expect(span('sync', () => 7)).toBe(7);
    await expect(span('async', async () => 8)).resolves.toBe(8);
  });

  it('records and rethrows the very error, synchronous or not', async () => {
    const error = new TypeError('no such item');
    expect(() =>
      span('sync', () => {
        throw error;
      }),
    ).toThrow(error);
    await expect(
      span('async', async () => {
        throw error;
      }),
    ).rejects.toBe(error);
    for (const name of ['sync', 'async']) {
      const failed = recorder.only(name);
      expect(failed.status).toBe(2);
      expect(failed.statusMessage).toBe('no such item');
      expect(failed.events[0]).toMatchObject({
        name: 'exception',
        attributes: expect.arrayContaining(['exception.type', 'TypeError', 'exception.message', 'no such item']),
      });
    }
  });

  it('awaits a lazy thenable once, as a query builder returns it', async () => {
    let runs = 0;
    const lazy = {
      // oxlint-disable-next-line unicorn/no-thenable -- it is what a query builder is
      then(resolve: (value: string) => void) {
        runs++;
        span('db.query', () => resolve('rows'));
      },
    };
    await expect(span('query', () => lazy as unknown as Promise<string>)).resolves.toBe('rows');
    expect(runs).toBe(1);
    expect(recorder.tree()).toEqual(['query', '  db.query']);
  });

  it('starts without a function and ends with instrument', async () => {
    const outer = span('outer', { order: 1 });
    const result = await instrument(async () => {
      currentSpan().record('seen', true);
      return 'done';
    }, outer);
    expect(result).toBe('done');
    expect(recorder.tags(recorder.only('outer'))).toEqual({ order: 1, seen: true });
  });
});

describe('currentSpan', () => {
  it('records tags of any value as something readable', () => {
    span('s', () => {
      currentSpan()
        .record('order_total', 42.5)
        .record({
          big: 12n,
          when: new Date(0),
          object: { a: [1, 2n] },
          list: ['x', 'y'],
          nothing: undefined,
          nil: null,
        });
    });
    expect(recorder.tags(recorder.only('s'))).toEqual({
      order_total: 42.5,
      big: '12',
      when: '1970-01-01T00:00:00.000Z',
      object: '{"a":[1,"2"]}',
      list: ['x', 'y'],
    });
  });

  it('leaves out what cannot be shown instead of throwing', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    span('s', () => currentSpan().record({ cycle, bad: new Date(Number.NaN) }));
    expect(recorder.tags(recorder.only('s'))).toEqual({});
  });

  it('writes log lines into the span', () => {
    span('s', () => currentSpan().log('card declined', { attempt: 2 }, 'warn'));
    expect(recorder.only('s').events[0]).toMatchObject({
      name: 'log',
      attributes: ['level', 'warn', 'message', 'card declined', 'attempt', 2],
    });
  });

  it('does nothing outside of any span', () => {
    expect(() => currentSpan().record('a', 1).log('b').fail(new Error('c')).end()).not.toThrow();
    expect(currentSpan().traceId).toBe('0'.repeat(32));
  });
});

describe('without a tracer', () => {
  it('only runs the function', () => {
    unregister();
    expect(span('s', { a: 1 }, (s) => s.record('b', 2).traceId)).toBe('0'.repeat(32));
    expect(recorder.spans).toEqual([]);
  });
});

describe('@Span', () => {
  // Written as calls, because the test's own compiler may use either kind of decorator.
  it('traces a method by a legacy decorator, with this and its errors', () => {
    class Orders {
      prefix = 'o';
      create(id: number): string {
        if (id < 0) throw new RangeError('negative');
        return this.prefix + id;
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, 'create')!;
    Span()(Orders.prototype, 'create', descriptor);
    Object.defineProperty(Orders.prototype, 'create', descriptor);
    expect(new Orders().create(1)).toBe('o1');
    expect(() => new Orders().create(-1)).toThrow(RangeError);
    expect(recorder.spans.map((s) => [s.name, s.status])).toEqual([
      ['Orders.create', 0],
      ['Orders.create', 2],
    ]);
    expect(Orders.prototype.create.name).toBe('create');
    expect(Orders.prototype.create.length).toBe(1);
  });

  it('traces a method by a standard decorator', () => {
    const method = Span('orders.create', { kind: 'x' })(
      function (this: { id: number }) {
        return this.id;
      },
      { kind: 'method', name: 'create' } as ClassMethodDecoratorContext,
    );
    expect(method.call({ id: 3 })).toBe(3);
    expect(recorder.tags(recorder.only('orders.create'))).toEqual({ kind: 'x' });
  });

  it('traces every method of a class, and leaves its accessors', () => {
    class Cart {
      get size(): number {
        return 2;
      }
      add(): string {
        return 'added';
      }
      async pay(): Promise<string> {
        return 'paid';
      }
    }
    Span()(Cart);
    const cart = new Cart();
    expect([cart.size, cart.add()]).toEqual([2, 'added']);
    expect(recorder.names()).toEqual(['Cart.add']);
  });
});
