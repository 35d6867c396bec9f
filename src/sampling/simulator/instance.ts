import type { ServiceReply } from './service-reply.ts';

/** One process with an SDK in it. Times in seconds from the start. */
export interface Instance {
  /** Unique in the whole simulation: what a server sees as its address. */
  readonly id: number;
  /** Its number within the fleet; a deploy hands it on. */
  readonly place: number;
  /** When it begins and ends to take requests. */
  readonly startS: number;
  endS: number;
  nextPollS: number;
  /** What it does from `switchS` on, and before. */
  reply: ServiceReply;
  before: ServiceReply;
  switchS: number;
  /** Past a multiple of BATCH_S: when its spans leave. */
  readonly flushPhaseS: number;
  /** How much its clock is ahead. */
  skewS: number;
  /** Samples everything. */
  nonconforming: boolean;
  /** Tokens per operation at `tokensAtS`; undefined while none was taken. */
  tokens: Float64Array | undefined;
  tokensAtS: Float64Array | undefined;
  /** By operation: when it has its next request, as far as that is drawn; NaN = not yet. */
  readonly requestS: Float64Array;
}

export function replyAt(instance: Instance, timeS: number): ServiceReply {
  return timeS < instance.switchS ? instance.before : instance.reply;
}

/** Another reply from `atS` on, which lies in the second that begins at `nowS`. */
export function switchReply(instance: Instance, reply: ServiceReply, nowS: number, atS: number): void {
  const { before, reply: old } = instance;
  if (creditOf(before) !== creditOf(old) || creditOf(old) !== creditOf(reply)) settle(instance, nowS);
  instance.before = old;
  instance.reply = reply;
  instance.switchS = atS;
}

/**
 * The token bucket of the lower bound, by Go's rule: every request of an operation takes a token when a whole one
 * is there, kept by the probability or not; at most one is saved (or as many as come in a second).
 * Returns when a whole token is there, `fromS` at the earliest; Infinity = never.
 */
export function tokenReadyS(instance: Instance, operation: number, fromS: number): number {
  const now = tokensAt(instance, operation, fromS);
  // Many small credits must not miss a whole token by their rounding errors.
  if (now >= 1 - 1e-9) return fromS;
  const { switchS, before, reply } = instance;
  if (fromS < switchS) {
    const readyS = fromS + (1 - now) / creditOf(before);
    if (readyS <= switchS) return readyS;
    const then = tokensAt(instance, operation, switchS);
    return switchS + Math.max(0, 1 - then) / creditOf(reply);
  }
  return fromS + (1 - now) / creditOf(reply);
}

/** Takes a token, which must be there. */
export function takeToken(instance: Instance, operation: number, timeS: number): void {
  const left = tokensAt(instance, operation, timeS) - 1;
  if (instance.tokens === undefined || instance.tokensAtS === undefined) {
    const { length } = instance.reply.probability;
    // The others have had a full bucket all along.
    instance.tokens = new Float64Array(length).fill(Number.POSITIVE_INFINITY);
    instance.tokensAtS = new Float64Array(length).fill(timeS);
  }
  instance.tokens[operation] = left;
  instance.tokensAtS[operation] = timeS;
}

function tokensAt(instance: Instance, operation: number, timeS: number): number {
  const { tokens, tokensAtS, switchS, before, reply } = instance;
  const most = Math.max(1, creditOf(timeS < switchS ? before : reply));
  if (tokens === undefined || tokensAtS === undefined) return most;
  const atS = tokensAtS[operation] as number;
  const untilSwitchS = Math.max(0, Math.min(timeS, switchS) - atS);
  const sinceSwitchS = Math.max(0, timeS - Math.max(atS, switchS));
  const earned = untilSwitchS * creditOf(before) + sinceSwitchS * creditOf(reply);
  return Math.min(most, (tokens[operation] as number) + earned);
}

function settle(instance: Instance, timeS: number): void {
  const { tokens, tokensAtS } = instance;
  if (tokens === undefined || tokensAtS === undefined) return;
  for (let i = 0; i < tokens.length; i++) {
    tokens[i] = tokensAt(instance, i, timeS);
    tokensAtS[i] = timeS;
  }
}

/** Tokens per second; an SDK that was told no lower bound has none. */
function creditOf({ lowerBound }: ServiceReply): number {
  return lowerBound > 0 ? lowerBound : 0;
}
