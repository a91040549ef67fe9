import type { AnswerMessage, CallArgs, CallMessage, CallName, CallResult } from '../../worker/calls.ts';
import { ApiError, wantToken } from './api.ts';

let worker: Worker | undefined;
let lastId = 0;
const waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();

/** Starts the worker early, so that it is there when the first trace is asked for. */
export function startTraceWorker(): Worker {
  if (worker !== undefined) return worker;
  worker = new Worker(new URL('../../worker/trace-worker.ts', import.meta.url), { type: 'module', name: 'traces' });
  worker.addEventListener('message', (event: MessageEvent<AnswerMessage>) => {
    const answer = event.data;
    const call = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) {
      if (answer.error.status === 401) wantToken();
      call?.reject(new ApiError(answer.error.status, answer.error.message));
    } else call?.resolve(answer.result as never);
  });
  worker.addEventListener('error', () => {
    for (const { reject } of waiting.values()) reject(new ApiError(500, 'The part that reads traces has failed.'));
    waiting.clear();
    worker?.terminate();
    worker = undefined;
  });
  return worker;
}

/** Asks the worker. @throws ApiError */
export function callTraceWorker<Name extends CallName>(
  name: Name,
  args: CallArgs<Name>,
  transfer: Transferable[] = [],
): Promise<CallResult<Name>> {
  const id = ++lastId;
  const message: CallMessage = { id, name, args };
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    startTraceWorker().postMessage(message, transfer);
  });
}
