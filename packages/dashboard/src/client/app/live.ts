import { apiHeaders, errorOf } from './api.ts';

/** One server-sent event. */
export interface LiveEvent {
  readonly event: string;
  readonly data: string;
}

/**
 * Reads server-sent events until `signal` aborts or the server ends. `EventSource` would do, but cannot send a token.
 * @throws ApiError where the server refuses
 */
export async function* readEvents(url: string, signal: AbortSignal, onOpen: () => void): AsyncGenerator<LiveEvent> {
  const response = await fetch(url, { headers: { ...apiHeaders(), accept: 'text/event-stream' }, signal });
  if (!response.ok || response.body === null) throw await errorOf(response);
  onOpen();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    buffer += value;
    for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
      const block = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      let event = 'message';
      const data: string[] = [];
      for (const line of block.split('\n')) {
        if (line.startsWith('event:')) event = line.slice(6).trim();
        else if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
      }
      if (data.length > 0) yield { event, data: data.join('\n') };
    }
  }
}
