import { Kind, Status, type SpanData, type SpanEvent, type SpanLink } from '@forge/core';

/** Makes spans of believable traces, the same at every run. */
export class TraceMaker {
  #seed: number;
  readonly spans: SpanData[] = [];
  readonly traceId: string;
  #next = 1;

  constructor(traceId: string, seed: number) {
    this.traceId = traceId;
    this.#seed = seed;
  }

  /** From 0 to 1, not 1. */
  random(): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
    return this.#seed / 2 ** 32;
  }

  between(low: number, high: number): number {
    return Math.round(low + this.random() * (high - low));
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)];
  }

  span(sketch: {
    name: string;
    resource?: string;
    service: string;
    start: number;
    duration: number;
    parent?: string;
    kind?: Kind;
    error?: string;
    tags?: Record<string, unknown>;
    logs?: readonly { at: number; level: string; message: string; tags?: Record<string, unknown> }[];
    links?: readonly { traceId: string; spanId: string }[];
    node?: string;
    weight?: number;
  }): string {
    const spanId = this.traceId.slice(8, 20) + (this.#next++).toString(16).padStart(4, '0');
    const events = (sketch.logs ?? []).map(({ at, level, message, tags = {} }): SpanEvent => ({
      name: 'log',
      unixUs: at,
      attributes: ['level', level, 'message', message, ...Object.entries(tags).flat()],
      droppedAttributes: 0,
    }));
    if (sketch.error !== undefined)
      events.push({
        name: 'exception',
        unixUs: sketch.start + sketch.duration,
        attributes: [
          'exception.type',
          'Error',
          'exception.message',
          sketch.error,
          'exception.stacktrace',
          `Error: ${sketch.error}\n    at charge (file:///srv/app/payments.js:41:11)\n    at process (node:internal/process:95:5)`,
        ],
        droppedAttributes: 0,
      });
    const links = (sketch.links ?? []).map((link): SpanLink => ({
      ...link,
      traceState: undefined,
      flags: 1,
      attributes: [],
      droppedAttributes: 0,
    }));
    this.spans.push({
      traceId: this.traceId,
      spanId,
      parentSpanId: sketch.parent,
      name: sketch.name,
      resource: sketch.resource ?? sketch.name,
      kind: sketch.kind ?? Kind.internal,
      startUnixUs: sketch.start,
      durationUs: sketch.duration,
      status: sketch.error === undefined ? Status.unset : Status.error,
      statusMessage: sketch.error,
      attributes: Object.entries(sketch.tags ?? {}).flat(),
      events,
      links,
      origin: {
        serviceName: sketch.service,
        nodeId: sketch.node ?? nodeOf(sketch.service),
        attributes: ['host.name', `${sketch.service}-1`, 'service.version', '2.14.0', 'process.pid', 4711],
      },
      scope: { name: '@forge/tracing', version: '0.1.0', attributes: [] },
      traceState: undefined,
      flags: 1,
      weight: sketch.weight ?? 1,
      droppedAttributes: 0,
      droppedEvents: 0,
      droppedLinks: 0,
    });
    return spanId;
  }
}

function nodeOf(service: string): string {
  let value = 7;
  for (const letter of service) value = (Math.imul(value, 31) + letter.charCodeAt(0)) >>> 0;
  const hex = value.toString(16).padStart(8, '0');
  return `${hex}-5f1c-4d3e-9a2b-${hex}c0de`;
}

/** The trace of one order: gateway, functions, queries, a payment, a job later; failing or slow where asked. */
export function orderTrace(
  traceId: string,
  startUnixUs: number,
  options: { fails?: boolean; slow?: boolean; seed?: number; lateJob?: boolean } = {},
): SpanData[] {
  const m = new TraceMaker(traceId, options.seed ?? 1);
  const factor = (options.slow === true ? 9 : 1) * (0.7 + m.random() * 0.7);
  const us = (ms: number): number => Math.round(ms * 1000 * factor);
  const t = startUnixUs;
  const at = (ms: number): number => t + us(ms);
  const user = `user-${m.between(1, 400)}`;
  const order = `ord_${m.between(10_000, 99_999)}`;
  const root = m.span({
    name: 'http.request',
    resource: 'POST /api/orders',
    service: 'gateway',
    kind: Kind.server,
    start: t,
    duration: us(150),
    ...(options.fails === true ? { error: 'upstream answered 502' } : {}),
    tags: {
      method: 'POST',
      path: '/api/orders',
      status: options.fails === true ? 502 : 201,
      user_agent: 'curl/8.5.0',
      client_ip: '203.0.113.7',
    },
    logs: [{ at: at(1), level: 'info', message: 'request received', tags: { request_id: 'r-81f2', bytes: 412 } }],
  });
  m.span({
    name: 'auth.verify',
    service: 'gateway',
    parent: root,
    start: at(5),
    duration: us(10),
    tags: { user_id: user, scheme: 'bearer' },
  });
  const call = m.span({
    name: 'grpc.call',
    resource: 'forge.Functions/Execute',
    service: 'gateway',
    kind: Kind.client,
    parent: root,
    start: at(18),
    duration: us(126),
    ...(options.fails === true ? { error: '14 UNAVAILABLE: payment provider' } : {}),
    tags: { service: 'forge.Functions', method: 'Execute' },
  });
  const served = m.span({
    name: 'grpc.call',
    resource: 'forge.Functions/Execute',
    service: 'function-executor',
    kind: Kind.server,
    parent: call,
    start: at(19),
    duration: us(124),
    tags: { service: 'forge.Functions', method: 'Execute' },
  });
  const run = m.span({
    name: 'function.execute',
    resource: 'create_order',
    service: 'function-executor',
    parent: served,
    start: at(20),
    duration: us(120),
    ...(options.fails === true ? { error: 'card declined by the provider' } : {}),
    tags: { name: 'create_order', type: 'mutation', order_total: 129.9, item_count: 3, user_id: user, order_id: order },
    logs: [
      { at: at(21), level: 'debug', message: `creating order ${order}`, tags: { user_id: user } },
      ...(options.slow === true
        ? [{ at: at(60), level: 'warn', message: 'payment provider is slow, 2nd attempt' }]
        : []),
    ],
  });
  m.span({
    name: 'db.query',
    resource: 'SELECT users',
    service: 'function-executor',
    kind: Kind.client,
    parent: run,
    start: at(25),
    duration: us(5),
    tags: { operation: 'SELECT', table: 'users', query: 'SELECT id, email, plan FROM users WHERE id = $1', rows: 1 },
  });
  const pay = m.span({
    name: 'http.client',
    resource: 'api.stripe.example/charges',
    service: 'function-executor',
    kind: Kind.client,
    parent: run,
    start: at(35),
    duration: us(65),
    ...(options.fails === true ? { error: 'HTTP 402' } : {}),
    tags: { url: 'https://api.stripe.example/charges', method: 'POST', status: options.fails === true ? 402 : 200 },
  });
  m.span({
    name: 'http.request',
    resource: 'POST /charges',
    service: 'payments',
    kind: Kind.server,
    parent: pay,
    start: at(38),
    duration: us(58),
    ...(options.fails === true ? { error: 'card_declined' } : {}),
    tags: { method: 'POST', path: '/charges', status: options.fails === true ? 402 : 200 },
    logs:
      options.fails === true
        ? [
            {
              at: at(90),
              level: 'error',
              message: 'issuer declined: insufficient_funds',
              tags: { code: 'card_declined' },
            },
          ]
        : [],
  });
  if (options.fails === true) return m.spans;
  m.span({
    name: 'db.query',
    resource: 'INSERT orders',
    service: 'function-executor',
    kind: Kind.client,
    parent: run,
    start: at(105),
    duration: us(15),
    tags: {
      operation: 'INSERT',
      table: 'orders',
      query: 'INSERT INTO orders (id, user_id, total) VALUES ($1, $2, $3)',
      rows: 1,
    },
  });
  const dispatch = m.span({
    name: 'job.dispatch',
    resource: 'send_confirmation',
    service: 'function-executor',
    kind: Kind.producer,
    parent: run,
    start: at(125),
    duration: us(3),
    tags: { job_type: 'send_confirmation' },
  });
  const jobAt = options.lateJob === true ? t + 4_000_000 : at(170);
  const job = m.span({
    name: 'job.execute',
    resource: 'send_confirmation',
    service: 'worker',
    kind: Kind.consumer,
    parent: dispatch,
    start: jobAt,
    duration: us(48),
    tags: { job_type: 'send_confirmation', job_id: `job-${m.between(100, 999)}` },
    logs: [{ at: jobAt + us(40), level: 'info', message: 'confirmation sent', tags: { to: 'a***@example.org' } }],
  });
  m.span({
    name: 'http.client',
    resource: 'smtp.example.org',
    service: 'worker',
    kind: Kind.client,
    parent: job,
    start: jobAt + us(6),
    duration: us(36),
    tags: { url: 'https://smtp.example.org/send', method: 'POST', status: 202 },
  });
  return m.spans;
}

/** A cart page that asks for each item alone: repeats to group. */
export function cartTrace(traceId: string, startUnixUs: number, seed: number, items = 24): SpanData[] {
  const m = new TraceMaker(traceId, seed);
  const each = 2200 + m.between(0, 900);
  const root = m.span({
    name: 'http.request',
    resource: 'GET /api/cart',
    service: 'gateway',
    kind: Kind.server,
    start: startUnixUs,
    duration: each * items + 14_000,
    tags: { method: 'GET', path: '/api/cart', status: 200 },
  });
  const run = m.span({
    name: 'function.execute',
    resource: 'list_cart',
    service: 'function-executor',
    kind: Kind.server,
    parent: root,
    start: startUnixUs + 4000,
    duration: each * items + 8000,
    tags: { name: 'list_cart', type: 'query' },
  });
  for (let item = 0; item < items; item++) {
    m.span({
      name: 'db.query',
      resource: 'SELECT items',
      service: 'function-executor',
      kind: Kind.client,
      parent: run,
      start: startUnixUs + 6000 + item * each,
      duration: each - 500 + m.between(0, 400),
      tags: { operation: 'SELECT', table: 'items', query: 'SELECT * FROM items WHERE id = $1' },
    });
    if (item % 8 === 7)
      m.span({
        name: 'cache.get',
        service: 'function-executor',
        parent: run,
        start: startUnixUs + 6000 + item * each + each - 80,
        duration: 60,
      });
  }
  return m.spans;
}

/** A trace with everything that must be shown safely. */
export function hostileTrace(traceId: string, startUnixUs: number): SpanData[] {
  const m = new TraceMaker(traceId, 5);
  const root = m.span({
    name: 'http.request',
    resource: '<img src=x onerror=window.hacked=1>',
    service: '"><script>window.hacked=1</script>',
    start: startUnixUs,
    duration: 50_000,
    tags: {
      html: '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>',
      link: 'javascript:window.hacked=1',
      huge: 'x'.repeat(1024 * 1024),
      __proto__: 'own',
      'right to left': 'שלום עולם',
      emoji: '👩‍👩‍👧‍👦 family',
      nested: { a: [1, 2, { b: null }] },
      empty: '',
    },
    logs: [{ at: startUnixUs + 10, level: 'error', message: '<svg onload=window.hacked=1>' }],
  });
  m.span({
    name: 'مرحبا بالعالم',
    resource: 'مرحبا بالعالم',
    service: 'خدمة',
    parent: root,
    start: startUnixUs + 1000,
    duration: 9000,
  });
  m.span({ name: '👩‍👩‍👧‍👦', resource: '👩‍👩‍👧‍👦🏳️‍🌈', service: '🚀', parent: root, start: startUnixUs + 11_000, duration: 9000 });
  m.span({
    name: 'a'.repeat(255),
    resource: 'long '.repeat(60),
    service: 'b'.repeat(100),
    parent: root,
    start: startUnixUs + 21_000,
    duration: 9000,
  });
  m.span({
    name: 'tab\tnew\nline\u202Eevil',
    resource: 'tab\tnew\nline\u202Eevil',
    service: '',
    parent: root,
    start: startUnixUs + 31_000,
    duration: 9000,
  });
  return m.spans;
}

/** A trace whose parts are missing, in a circle, and by clocks that disagree. */
export function brokenTrace(traceId: string, startUnixUs: number): SpanData[] {
  const m = new TraceMaker(traceId, 9);
  const root = m.span({
    name: 'http.request',
    resource: 'GET /api/report',
    service: 'gateway',
    kind: Kind.server,
    start: startUnixUs,
    duration: 90_000,
  });
  const call = m.span({
    name: 'grpc.call',
    resource: 'reports.Reports/Get',
    service: 'gateway',
    kind: Kind.client,
    parent: root,
    start: startUnixUs + 5000,
    duration: 80_000,
  });
  const served = m.span({
    name: 'grpc.call',
    resource: 'reports.Reports/Get',
    service: 'reports',
    kind: Kind.server,
    parent: call,
    start: startUnixUs + 127_000,
    duration: 60_000,
  });
  m.span({
    name: 'db.query',
    resource: 'SELECT reports',
    service: 'reports',
    kind: Kind.client,
    parent: served,
    start: startUnixUs + 130_000,
    duration: 40_000,
  });
  m.span({
    name: 'job.execute',
    resource: 'render_report',
    service: 'worker',
    kind: Kind.consumer,
    parent: 'feedfacefeedface',
    start: startUnixUs + 30_000,
    duration: 22_000,
  });
  m.span({
    name: 'db.query',
    resource: 'UPDATE reports',
    service: 'worker',
    parent: 'feedfacefeedface',
    start: startUnixUs + 55_000,
    duration: 9000,
  });
  m.span({
    name: 'loop',
    resource: 'loop a',
    service: 'reports',
    parent: m.traceId.slice(8, 20) + '0008',
    start: startUnixUs + 60_000,
    duration: 4000,
  });
  m.span({
    name: 'loop',
    resource: 'loop b',
    service: 'reports',
    parent: m.traceId.slice(8, 20) + '0007',
    start: startUnixUs + 62_000,
    duration: 1000,
  });
  return m.spans;
}
