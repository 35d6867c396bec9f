import { SPANS_PER_MESSAGE } from '../workload.ts';
import { type Look, messagesSeen } from './visible-offsets.ts';

/** Over which a rate is taken: at 2.8 blocks a second it takes so long until each of 8 partitions had its turn. */
const RATE_WINDOW_MS = 3000;
/** A partition that is this far behind is one that waits for its block to be sealed and inserted. */
export const USUAL_AGE_MS = 5000;

type Produced = readonly (readonly number[])[];

export interface Recovery {
  /** After the event: messages that were produced behind it can be queried in every partition. */
  readonly movedMs: number | undefined;
  /** And as much was stored in a window as came in it. */
  readonly fullRateMs: number | undefined;
}

/** What is known so far of the time after something that happened at `eventMs`. */
export function recoveryAfter(
  eventMs: number,
  of: { readonly rate: number; readonly looks: readonly Look[]; readonly producedMs: Produced },
): Recovery {
  const firstAfter = of.producedMs.map((times) => countBefore(times, eventMs));
  // This is asked again and again beside what is measured: nothing here may go through all that ever happened.
  const looks = looksSince(of.looks, eventMs - RATE_WINDOW_MS - 1000);
  const moved = looks.find(
    ({ atMs, next }) => atMs >= eventMs && firstAfter.every((offset, p) => (next[p] as number) > offset),
  );
  let from = 0;
  const full = looks.find((look) => {
    while ((looks[from + 1]?.atMs ?? look.atMs) <= look.atMs - RATE_WINDOW_MS) from++;
    const before = looks[from] as Look;
    if (moved === undefined || look.atMs < moved.atMs || before.atMs > look.atMs - RATE_WINDOW_MS)
      return false;
    const spans = (messagesSeen(look) - messagesSeen(before)) * SPANS_PER_MESSAGE;
    return spans >= (of.rate * (look.atMs - before.atMs)) / 1000;
  });
  return {
    movedMs: moved && moved.atMs - eventMs,
    fullRateMs: full && full.atMs - eventMs,
  };
}

export interface CatchUp {
  /** Undefined until it is done. */
  readonly tookMs: number | undefined;
  readonly backlogSpans: number;
  /** By how much the backlog shrank a second from the first block on. */
  readonly drainPerSecond: number;
}

/** Age of the oldest message that could not be queried yet at a look; 0 when there was none. */
export function oldestAgeMs({ atMs, next }: Look, producedMs: Produced): number {
  return Math.max(0, ...producedMs.map((times, p) => atMs - (times[next[p] as number] ?? atMs)));
}

/** How the backlog that had grown by `backMs` went away, down to what is there at all times. */
export function catchUp(
  backMs: number,
  of: { readonly looks: readonly Look[]; readonly producedMs: Produced; readonly usualAgeMs: number },
): CatchUp {
  const behind = ({ atMs, next }: Look): number =>
    of.producedMs.reduce((sum, times, p) => sum + countBefore(times, atMs) - (next[p] as number), 0);
  const since = looksSince(of.looks, backMs);
  const [first] = since;
  const last = since.find((look) => oldestAgeMs(look, of.producedMs) <= of.usualAgeMs);
  const backlogSpans = first === undefined ? 0 : behind(first) * SPANS_PER_MESSAGE;
  if (first === undefined || last === undefined)
    return { tookMs: undefined, backlogSpans, drainPerSecond: 0 };
  const drained = backlogSpans - behind(last) * SPANS_PER_MESSAGE;
  return {
    tookMs: last.atMs - backMs,
    backlogSpans,
    drainPerSecond: (drained / Math.max(1, last.atMs - first.atMs)) * 1000,
  };
}

function looksSince(looks: readonly Look[], sinceMs: number): readonly Look[] {
  const last = looks.findLastIndex(({ atMs }) => atMs < sinceMs);
  return looks.slice(last + 1);
}

function countBefore(times: readonly number[], atMs: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
