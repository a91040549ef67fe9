import type { Order, OrderInput } from '@forge-apps/contract';
import { BadRequestException, Body, Controller, Get, Inject, Param, Post, Req, UseGuards } from '@nestjs/common';
import { AuthGuard } from './auth.guard.ts';
import { Functions } from './functions.ts';

interface AuthorizedRequest {
  readonly userId: string;
}

@Controller('/api/orders')
@UseGuards(AuthGuard)
export class OrdersController {
  readonly #functions: Functions;

  constructor(@Inject(Functions) functions: Functions) {
    this.#functions = functions;
  }

  @Post()
  create(@Req() request: AuthorizedRequest, @Body() body: unknown): Promise<Order> {
    return this.#functions.execute<Order>('create_order', {
      ...orderBody(body),
      userId: request.userId,
    } satisfies OrderInput);
  }

  @Get(':id')
  get(@Param('id') id: string): Promise<Order> {
    return this.#functions.execute<Order>('get_order', { id });
  }

  @Post(':id/refund')
  refund(@Param('id') id: string): Promise<Order> {
    return this.#functions.execute<Order>('refund_order', { id });
  }
}

function orderBody(body: unknown): { item: string; amount: number } {
  const { item, amount } = (body ?? {}) as { item?: unknown; amount?: unknown };
  if (typeof item !== 'string' || item.length === 0 || item.length > 200)
    throw new BadRequestException('item: a text of 1 to 200 characters');
  if (typeof amount !== 'number' || !Number.isInteger(amount) || amount <= 0)
    throw new BadRequestException('amount: whole cents above 0');
  return { item, amount };
}
