/**
 * Waits until all of these statements, sent one after the other, have ended: nothing may follow them on the connection
 * before. Rejects with the first one's error, which is the cause of those after it.
 */
export async function inOrder(sent: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(sent);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
