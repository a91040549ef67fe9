import type { Order, OrderInput } from '@forge-apps/contract';
import { action, mutation, query } from '@forge/instrumentation-functions';
import { currentSpan } from '@forge/tracing';
import type { WorkerContext } from './context.ts';
import { NotFound, PaymentDeclined } from './errors.ts';

type OrderRow = Record<'id' | 'user_id' | 'item' | 'charge_id', string> & {
  amount: number;
  status: 'paid' | 'refunded';
};

const createOrder = mutation('create_order', async (ctx: WorkerContext, input: OrderInput): Promise<Order> => {
  currentSpan().record('order_total', input.amount);
  const [user] = await ctx.db<{ id: string; email: string }[]>`SELECT id, email FROM users WHERE id = ${input.userId}`;
  if (user === undefined) throw new NotFound(`there is no user ${input.userId}`);
  const charge = await charged(ctx, input);
  const [row] = await ctx.db<OrderRow[]>`
    INSERT INTO orders (user_id, item, amount, charge_id) VALUES (${user.id}, ${input.item}, ${input.amount}, ${charge}) RETURNING *`;
  const order = toOrder(row);
  await ctx.dispatch('send_confirmation', { orderId: order.id, email: user.email });
  return order;
});

const getOrder = query('get_order', async (ctx: WorkerContext, input: { id: string }): Promise<Order> =>
  toOrder(await orderRow(ctx, input.id)),
);

const refundOrder = action('refund_order', async (ctx: WorkerContext, input: { id: string }): Promise<Order> => {
  const order = await orderRow(ctx, input.id);
  const answer = await ctx.http.post(`${ctx.paymentUrl}/refunds`, { charge: order.charge_id });
  if (!answer.ok) throw new PaymentDeclined(`the payment service answered ${answer.status}`);
  const [row] = await ctx.db<OrderRow[]>`UPDATE orders SET status = 'refunded' WHERE id = ${order.id} RETURNING *`;
  return toOrder(row);
});

/** The functions that the gateway may call by name. */
export const functions = [createOrder, getOrder, refundOrder];

async function charged(ctx: WorkerContext, input: OrderInput): Promise<string> {
  const answer = await ctx.http.post(`${ctx.paymentUrl}/charges`, { amount: input.amount, item: input.item });
  const body = (await answer.json()) as { id?: string; message?: string };
  if (body.id === undefined) throw new PaymentDeclined(body.message ?? `the payment service answered ${answer.status}`);
  return body.id;
}

async function orderRow(ctx: WorkerContext, id: string): Promise<OrderRow> {
  if (!/^[0-9a-f-]{36}$/.test(id)) throw new NotFound(`"${id.slice(0, 40)}" is no order id`);
  const [row] = await ctx.db<OrderRow[]>`SELECT * FROM orders WHERE id = ${id}`;
  if (row === undefined) throw new NotFound(`there is no order ${id}`);
  return row;
}

function toOrder(row: OrderRow): Order {
  return { id: row.id, userId: row.user_id, item: row.item, amount: row.amount, status: row.status };
}
