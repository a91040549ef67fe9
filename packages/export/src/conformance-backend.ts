import type { Exporter } from './exporter.ts';

/** How the backend answers what comes next. `busy`: not now, try again. `refuse`: never. `hang`: no answer at all. */
export type BackendMood = 'accept' | 'busy' | 'refuse' | 'hang';

/** A real server, on 127.0.0.1, that understands the exporter's protocol. */
export interface ConformanceBackend {
  /** Made anew for each test; it is shut down by the suite. */
  createExporter(): Exporter;
  /** `trace id:span id` of every span that was accepted, in any order, repeated where it came twice. */
  received(): Promise<readonly string[]> | readonly string[];
  answer(mood: BackendMood): Promise<void> | void;
  /** Cuts every connection and refuses new ones, as a crash would. */
  crash(): Promise<void>;
  /** Listens again, on the same address. */
  recover(): Promise<void>;
  /** Connections that are open now. */
  connections(): Promise<number> | number;
  close(): Promise<void>;
}
