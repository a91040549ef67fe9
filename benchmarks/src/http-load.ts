// The load, in a process of its own, on the other core: plain sockets, since an HTTP client costs more than the server.
// Open loop: requests leave when they are due, whether or not earlier ones are answered, and waiting counts as latency.
import { connect, type Socket } from 'node:net';

interface Order {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second; 0 for as many as the server takes, one at a time on each connection. */
  readonly rate: number;
}

const REQUEST = Buffer.from(
  [
    'GET /api/orders/17?expand=lines HTTP/1.1',
    'Host: shop.test',
    'User-Agent: bench/1.0',
    'Accept: application/json',
    'Accept-Encoding: gzip, deflate, br',
    'Accept-Language: en',
    'Connection: keep-alive',
    '',
    '',
  ].join('\r\n'),
);

interface Connection {
  readonly socket: Socket;
  /** When the request under way was due; NaN while there is none. */
  dueMs: number;
  left: number;
}

async function open(port: number): Promise<Connection> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return { socket, dueMs: Number.NaN, left: 0 };
}

/** Bytes of one answer: all are of one length. */
async function answerLength(port: number): Promise<number> {
  const { socket } = await open(port);
  const length = await new Promise<number>((resolve) => {
    let text = '';
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const size = /content-length: (\d+)/i.exec(text)?.[1];
      if (!text.startsWith('HTTP/1.1 200')) throw new Error(`not an answer: ${text}`);
      if (end >= 0 && size !== undefined && text.length === end + 4 + Number(size)) resolve(text.length);
    });
    socket.write(REQUEST);
  });
  socket.destroy();
  return length;
}

async function run({ port, connections, seconds, rate }: Order): Promise<object> {
  const size = await answerLength(port);
  const all = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const latencies: number[] = [];
  const idle: Connection[] = [...all];
  const endMs = performance.now() + seconds * 1000;
  let sent = 0;
  let done = false;

  const send = (connection: Connection, dueMs: number): void => {
    connection.dueMs = dueMs;
    connection.left = size;
    sent++;
    connection.socket.write(REQUEST);
  };
  for (const connection of all) {
    connection.socket.on('data', (piece) => {
      connection.left -= piece.length;
      if (connection.left > 0) return;
      const now = performance.now();
      latencies.push(now - connection.dueMs);
      if (rate === 0 && !done) send(connection, now);
      else idle.push(connection);
    });
  }
  await new Promise<void>((resolve) => {
    const startMs = performance.now();
    if (rate === 0) while (idle.length > 0) send(idle.pop()!, performance.now());
    // A timer's millisecond is too coarse: this core has nothing else to do.
    const tick = (): void => {
      const now = performance.now();
      if (now >= endMs) {
        done = true;
        if (idle.length === all.length) return resolve();
      } else if (rate > 0) {
        const due = Math.floor(((now - startMs) * rate) / 1000);
        for (let n = Math.min(due - sent, idle.length); n > 0; n--) send(idle.pop()!, startMs + (sent * 1000) / rate);
      }
      setImmediate(tick);
    };
    tick();
  });
  for (const { socket } of all) socket.destroy();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  return { requests: latencies.length + 1, p50Ms: at(0.5), p99Ms: at(0.99), perSecond: latencies.length / seconds };
}

process.on('message', (order: Order) => {
  run(order).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
