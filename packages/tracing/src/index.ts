/**
 * What application and library code uses: spans by hand that nest by themselves. Without a tracer in the process
 * all of it does nothing, at nearly no cost; with one (Forge's, or any OpenTelemetry SDK) it records.
 *
 * @example
 * import { currentSpan, span } from '@forge/tracing';
 *
 * await span('process_items', async () => {
 *   for (const item of items) {
 *     await span('process_item', { item_id: item.id }, () => save(item));
 *   }
 *   currentSpan().record('item_count', items.length);
 * });
 *
 * @module
 */
export { currentSpan, instrument, span } from './span.ts';
export { Span, type SpanDecorator } from './span-decorator.ts';
export { SpanHandle, type Tags, type TagValue } from './span-handle.ts';
