import { describeTraceStore } from '../conformance.ts';
import { createMemoryStore } from './memory-store.ts';

describeTraceStore('the store in memory', async () => createMemoryStore());
