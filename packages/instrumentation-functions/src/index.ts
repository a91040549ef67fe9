/**
 * Functions that are traced by their names: queries, mutations and actions with a context that is passed in.
 *
 * @example
 * const createOrder = mutation('create_order', async (ctx: Context, input: OrderInput) => {
 *   const [order] = await ctx.db`insert into orders (item) values (${input.item}) returning *`;
 *   await ctx.dispatch('send_confirmation', { orderId: order.id });
 *   return order;
 * });
 * const executor = createFunctionExecutor({ functions: [createOrder], context: createFunctionContext({ db, dispatch }) });
 * await executor.execute('create_order', { item: 'book' }); // function.execute create_order
 *
 * @module
 */
export { ActionFunction, functionsOf, MutationFunction, QueryFunction } from './decorators.ts';
export { createFunctionExecutor, type FunctionExecutor, type FunctionExecutorOptions } from './executor.ts';
export {
  createFunctionContext,
  type FunctionContext,
  type FunctionHttp,
  type FunctionParts,
} from './function-context.ts';
export { functions } from './plugin.ts';
export { action, mutation, query, type ForgeFunction, type FunctionType } from './traced-function.ts';
