// The suite that every exporter runs; see README.md.
import type { Exporter } from './exporter.ts';

export type { Exporter };
