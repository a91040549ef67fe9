import type { Counts } from '@forge/core';
import type { Spool } from './spool.ts';

/**
 * Why spans were given up. `queue_full`: the bound on memory. `refused`: the backend will never take them.
 * `poison`: a batch that failed again and again while others went through. `shutdown`: the deadline passed.
 */
export type DropReason = 'queue_full' | 'refused' | 'poison' | 'shutdown' | 'invalid';

/** One queue's counters: plain fields, so counting costs an increment. */
export class ExportCounts {
  queuedSpans = 0;
  queuedBytes = 0;
  sentSpans = 0;
  sentBatches = 0;
  failedBatches = 0;
  spooledSpans = 0;
  replayedSpans = 0;
  away = false;
  readonly dropped: Record<DropReason, number> = { queue_full: 0, refused: 0, poison: 0, shutdown: 0, invalid: 0 };

  /** By Prometheus names, for `Diagnostics.register`. Reasons that never happened are left out. */
  read(exporter: string, spool: Spool | undefined): Counts {
    const label = `exporter="${exporter}"`;
    const counts: Record<string, number> = {
      [`forge_export_up{${label}}`]: this.away ? 0 : 1,
      [`forge_export_queued_spans{${label}}`]: this.queuedSpans,
      [`forge_export_queued_bytes{${label}}`]: this.queuedBytes,
      [`forge_export_sent_spans_total{${label}}`]: this.sentSpans,
      [`forge_export_sent_batches_total{${label}}`]: this.sentBatches,
      [`forge_export_failed_batches_total{${label}}`]: this.failedBatches,
    };
    for (const [reason, spans] of Object.entries(this.dropped))
      if (spans > 0) counts[`forge_export_dropped_spans_total{${label},reason="${reason}"}`] = spans;
    if (spool !== undefined) {
      counts[`forge_export_spooled_spans_total{${label}}`] = this.spooledSpans;
      counts[`forge_export_replayed_spans_total{${label}}`] = this.replayedSpans;
      counts[`forge_export_spool_batches{${label}}`] = spool.waitingBatches;
      counts[`forge_export_spool_bytes{${label}}`] = spool.bytes;
      if (spool.lostSpans > 0) counts[`forge_export_dropped_spans_total{${label},reason="spool"}`] = spool.lostSpans;
    }
    return counts;
  }
}
