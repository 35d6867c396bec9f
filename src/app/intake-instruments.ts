import type { Counter, Instruments } from '../base/instruments.ts';
import type { IntakeInstruments } from '../flow/intake-shared.ts';

/** The counters of one receiver's intake in one lane. */
export function intakeInstruments(instruments: Instruments, receiver: string): IntakeInstruments {
  const labels = { receiver };
  return {
    records: instruments.counter('spanweir_intake_records_total', labels),
    spans: instruments.counter('spanweir_intake_spans_total', labels),
    bytes: instruments.counter('spanweir_intake_bytes_total', labels),
    tombstones: instruments.counter('spanweir_intake_tombstones_total', labels),
    quarantined: (reason): Counter =>
      instruments.counter('spanweir_intake_quarantined_total', { receiver, reason }),
    blockDuration: instruments.timer('spanweir_block_duration_seconds', labels),
    reformed: instruments.counter('spanweir_reformed_blocks_total', labels),
    changed: (how): Counter => instruments.counter('spanweir_changed_blocks_total', { receiver, how }),
    passedOver: instruments.counter('spanweir_passed_over_records_total', labels),
    held: instruments.counter('spanweir_held_partitions_total', labels),
    blocks: (outcome): Counter => instruments.counter('spanweir_blocks_total', { receiver, outcome }),
  };
}
