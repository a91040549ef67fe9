import type { ExecuteReply, ExecuteRequest } from '@forge-apps/contract';
import { status } from '@grpc/grpc-js';
import { HttpException } from '@nestjs/common';
import { firstValueFrom, type Observable } from 'rxjs';

interface ExecutorClient {
  execute(request: ExecuteRequest): Observable<ExecuteReply>;
}

/** What the worker's gRPC errors mean to an HTTP client; anything else is a bad gateway. */
const HTTP_STATUS: Readonly<Record<number, number>> = {
  [status.INVALID_ARGUMENT]: 400,
  [status.FAILED_PRECONDITION]: 402,
  [status.NOT_FOUND]: 404,
  [status.UNAVAILABLE]: 503,
  [status.DEADLINE_EXCEEDED]: 504,
};

/** Calls the worker's functions by name. */
export class Functions {
  readonly #client: ExecutorClient;

  constructor(client: ExecutorClient) {
    this.#client = client;
  }

  /** Rejects with an HttpException that carries the worker's message. */
  async execute<T>(name: string, input: unknown): Promise<T> {
    try {
      const reply = await firstValueFrom(this.#client.execute({ function: name, inputJson: JSON.stringify(input) }));
      return JSON.parse(reply.outputJson) as T;
    } catch (error) {
      const { code, details } = error as { code?: number; details?: string };
      throw new HttpException({ message: details ?? 'the worker did not answer' }, HTTP_STATUS[code ?? -1] ?? 502, {
        cause: error,
      });
    }
  }
}
