import { createServer, Socket, type AddressInfo } from 'node:net';

/** A TCP proxy that can hold everything up, as a database does that is stuck. */
export interface StallProxy {
  readonly port: number;
  stall(): void;
  resume(): void;
  close(): void;
}

export async function createStallProxy(targetPort: number): Promise<StallProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let stalled = false;
  const server = createServer((client) => {
    const upstream = new Socket();
    upstream.connect(targetPort, '127.0.0.1');
    for (const pair of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      const [from, to] = pair;
      pairs.add(pair);
      from.setNoDelay(true);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        pairs.delete(pair);
        to.destroy();
      });
      if (!stalled) from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stall() {
      stalled = true;
      for (const [from] of pairs) {
        from.unpipe();
        from.pause();
      }
    },
    resume() {
      stalled = false;
      for (const [from, to] of pairs) from.pipe(to);
    },
    close() {
      for (const [from] of pairs) from.destroy();
      server.close();
    },
  };
}
