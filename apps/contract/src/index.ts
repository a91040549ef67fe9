/**
 * What the gateway and the worker agree on: the .proto file, and the shapes of the functions' inputs and outputs.
 *
 * @example
 * const definition = loadSync(PROTO_PATH);
 *
 * @module
 */
import { fileURLToPath } from 'node:url';

/** The .proto file on disk. */
export const PROTO_PATH = fileURLToPath(new URL('../proto/functions.proto', import.meta.url));

/** The package and the service that it declares. */
export const PROTO_PACKAGE = 'forge.functions.v1';
export const EXECUTOR_SERVICE = 'FunctionExecutor';

export interface ExecuteRequest {
  readonly function: string;
  readonly inputJson: string;
}

export interface ExecuteReply {
  readonly outputJson: string;
}

export interface OrderInput {
  readonly userId: string;
  readonly item: string;
  /** Minor units of the currency: cents. */
  readonly amount: number;
}

export interface Order {
  readonly id: string;
  readonly userId: string;
  readonly item: string;
  readonly amount: number;
  readonly status: 'paid' | 'refunded';
}
