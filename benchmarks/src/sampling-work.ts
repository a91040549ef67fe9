// What a request of the sampling experiment does, planned by the generator and carried along with the calls.

export interface Work {
  /** Which process does it: 0 is the gateway. */
  readonly node: number;
  readonly ms: number;
  /** `swallowed`: fails, and its caller takes no notice; `told`: its caller's span fails too. */
  readonly error?: 'swallowed' | 'told';
  readonly calls?: readonly Call[];
  readonly job?: { readonly node: number; readonly delayMs: number; readonly fails: boolean };
}

export interface Call {
  readonly atMs: number;
  readonly work: Work;
  /** The client gives up after that long. */
  readonly cancelMs?: number;
  /** Nobody waits for it. */
  readonly detached?: boolean;
}

export interface Mix {
  readonly workers: number;
  /** Shares of requests. */
  readonly errors: number;
  readonly slow: number;
  readonly jobs: number;
  readonly jobFailures: number;
  readonly jobDelayMs: number;
}

/** A request of depth 3 to 4 and fan-out 1 to 3 on random workers. */
export function planRequest(mix: Mix): Work {
  const nodes: Mutable[] = [];
  const root = plan(mix, 0, 3 + (Math.random() < 0.3 ? 1 : 0), nodes);
  const any = (): Mutable => nodes[Math.floor(Math.random() * nodes.length)];
  if (Math.random() < mix.errors) any().error = Math.random() < 0.5 ? 'swallowed' : 'told';
  if (Math.random() < mix.slow) any().ms = 1050 + Math.random() * 300;
  if (Math.random() < mix.jobs)
    any().job = {
      node: 1 + Math.floor(Math.random() * mix.workers),
      delayMs: mix.jobDelayMs,
      fails: Math.random() < mix.jobFailures,
    };
  return root;
}

type Mutable = { -readonly [K in keyof Work]: Work[K] };

function plan(mix: Mix, node: number, depth: number, nodes: Mutable[]): Mutable {
  const work: Mutable = { node, ms: 2 + Math.random() * 30 };
  nodes.push(work);
  const fan = depth <= 1 ? 0 : node === 0 ? 2 : Math.floor(Math.random() * 3);
  if (fan > 0)
    work.calls = Array.from({ length: fan }, () => ({
      atMs: Math.random() * 20,
      work: plan(mix, 1 + Math.floor(Math.random() * mix.workers), depth - 1, nodes),
      ...(Math.random() < 0.02 ? { cancelMs: 5 } : Math.random() < 0.03 ? { detached: true } : {}),
    }));
  return work;
}

/** How long it takes when nothing costs anything. */
export function nominalMs({ ms, calls = [] }: Work): number {
  return Math.max(
    ms,
    ...calls.map((call) =>
      call.detached === true ? 0 : call.atMs + Math.min(call.cancelMs ?? Infinity, nominalMs(call.work)),
    ),
  );
}
