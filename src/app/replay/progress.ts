import { formatDuration } from '../../base/duration.ts';
import type { Counter } from '../../base/instruments.ts';
import type { IntakeInstruments } from '../../flow/intake-shared.ts';
import type { CommandIo } from '../commands/command.ts';

const EVERY_MS = 200;
const BAR = 24;

/** What was done so far. */
export interface Tally {
  records: number;
  spans: number;
  blocks: number;
  quarantined: number;
  refused: number;
  /** Blocks of which a part was there before. */
  completed: number;
  /** Blocks of which it could not be known what is there, and why. */
  readonly doubts: string[];
}

type Count = Exclude<keyof Tally, 'doubts'>;

/** Counts what an intake does. */
export function countInto(tally: Tally): IntakeInstruments {
  const nothing = { add: () => {} };
  const counting = (of: Count): Counter => ({
    add: (n) => {
      tally[of] += n;
    },
  });
  return {
    records: counting('records'),
    spans: counting('spans'),
    bytes: nothing,
    tombstones: nothing,
    quarantined: () => counting('quarantined'),
    blocks: (outcome) =>
      outcome === 'dropped' ? nothing : counting(outcome === 'refused' ? 'refused' : 'blocks'),
    blockDuration: { record: () => {} },
    reformed: nothing,
    changed: () => nothing,
    passedOver: nothing,
    held: nothing,
  };
}

export function newTally(): Tally {
  return { records: 0, spans: 0, blocks: 0, quarantined: 0, refused: 0, completed: 0, doubts: [] };
}

/** Rewrites the line of progress until the work has ended, however it ends. */
export async function showing<T>(
  io: CommandIo,
  tally: Tally,
  totalRecords: number,
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const begunMs = io.clock.monotonicMs();
  const telling = (async () => {
    while (!over.signal.aborted) {
      io.progress(progressLine(tally, totalRecords, io.clock.monotonicMs() - begunMs));
      await io.clock.sleep(EVERY_MS, over.signal);
    }
  })();
  try {
    return await work();
  } finally {
    over.abort();
    await telling;
    io.progress(undefined);
  }
}

/** `[######------] 42 %  1,234,567 spans  210,000 spans/s  about 1m10s left` */
export function progressLine({ records, spans }: Tally, totalRecords: number, elapsedMs: number): string {
  const share = totalRecords === 0 ? 1 : Math.min(1, records / totalRecords);
  const full = Math.floor(share * BAR);
  const bar = `[${'#'.repeat(full)}${'-'.repeat(BAR - full)}] ${Math.floor(share * 100)} %`;
  const perSecond = elapsedMs < 500 ? 0 : Math.round(spans / (elapsedMs / 1000));
  const leftS = share === 0 ? undefined : Math.ceil((elapsedMs * (1 - share)) / share / 1000);
  const left = leftS === undefined ? 'reading' : `about ${formatDuration(leftS * 1000)} left`;
  return `${bar}  ${grouped(spans)} spans  ${grouped(perSecond)} spans/s  ${left}`;
}

/** 1234567 -> 1,234,567 */
export function grouped(n: number): string {
  return String(n).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
