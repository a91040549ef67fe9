import { EXECUTOR_SERVICE, type ExecuteReply, type ExecuteRequest } from '@forge-apps/contract';
import type { FunctionExecutor } from '@forge/instrumentation-functions';
import { status } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod, RpcException } from '@nestjs/microservices';
import { NotFound, PaymentDeclined } from './errors.ts';

export const EXECUTOR = Symbol('executor');

/** The gRPC face of the function executor. */
@Controller()
export class ExecutorController {
  readonly #executor: FunctionExecutor;

  constructor(@Inject(EXECUTOR) executor: FunctionExecutor) {
    this.#executor = executor;
  }

  @GrpcMethod(EXECUTOR_SERVICE, 'Execute')
  async execute(request: ExecuteRequest): Promise<ExecuteReply> {
    try {
      const output = await this.#executor.execute(request.function, JSON.parse(request.inputJson));
      return { outputJson: JSON.stringify(output) };
    } catch (error) {
      throw new RpcException({ code: grpcCode(error), message: (error as Error).message });
    }
  }
}

function grpcCode(error: unknown): status {
  if (error instanceof NotFound) return status.NOT_FOUND;
  if (error instanceof PaymentDeclined) return status.FAILED_PRECONDITION;
  if (error instanceof SyntaxError) return status.INVALID_ARGUMENT;
  return status.INTERNAL;
}
