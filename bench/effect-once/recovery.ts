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
  const firstAfter = of.producedMs.map((times) => times.findIndex((atMs) => atMs >= eventMs));
  const moved = of.looks.find(
    ({ atMs, next }) =>
      atMs >= eventMs && firstAfter.every((offset, p) => offset >= 0 && (next[p] as number) > offset),
  );
  const full = of.looks.find((look) => {
    if (moved === undefined || look.atMs < moved.atMs) return false;
    const from = of.looks.findLast(({ atMs }) => atMs <= look.atMs - RATE_WINDOW_MS);
    if (from === undefined) return false;
    const spans = (messagesSeen(look) - messagesSeen(from)) * SPANS_PER_MESSAGE;
    return spans >= (of.rate * (look.atMs - from.atMs)) / 1000;
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
  const since = of.looks.filter(({ atMs }) => atMs >= backMs);
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

function countBefore(times: readonly number[], atMs: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
