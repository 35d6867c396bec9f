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
    blocks: (outcome): Counter => instruments.counter('spanweir_blocks_total', { receiver, outcome }),
  };
}
