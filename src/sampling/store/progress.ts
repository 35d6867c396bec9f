/** How far a source of spans is in the tables. */
export interface SourceProgress {
  /** `cluster/topic` of a log; the process whose requests are meant. */
  readonly source: string;
  /** 0 for requests. */
  readonly partition: number;
  /** Whoever answers requests and dies has left nothing behind that others go on with: what it said runs out. */
  readonly kind: 'log' | 'requests';
  /** All that came before this is in the tables, Unix ms by the clocks of the senders; UNKNOWN: nobody can tell yet. */
  readonly completeUntilMs: number;
  /** When that was said, Unix ms. */
  readonly atMs: number;
}

export const UNKNOWN = 0;
/** After so long without a word, a process that takes requests is gone. */
export const REQUESTS_EXPIRE_MS = 30_000;
/** Of a partition that is said nothing of for longer, the log tells. */
export const SILENT_MS = 30_000;

export interface Completeness {
  /** -Infinity while nothing is known. */
  readonly completeUntilMs: number;
  /** The partition that holds it back; undefined when nothing is known. */
  readonly holding: SourceProgress | undefined;
  /** Partitions that nobody has reported for a while: they hold it back until somebody owns them. */
  readonly silent: readonly SourceProgress[];
}

/** Up to when all windows are complete: the least of all sources, each by the last that was said of it. */
export function completenessOf(all: Iterable<SourceProgress>, nowMs: number): Completeness {
  const silent: SourceProgress[] = [];
  let holding: SourceProgress | undefined;
  for (const each of bestOf(all)) {
    const saidMs = nowMs - each.atMs;
    if (each.kind === 'requests' && saidMs > REQUESTS_EXPIRE_MS) continue;
    if (each.kind === 'log' && saidMs > SILENT_MS) silent.push(each);
    if (holding === undefined || each.completeUntilMs < holding.completeUntilMs) holding = each;
  }
  return { completeUntilMs: holding?.completeUntilMs ?? Number.NEGATIVE_INFINITY, holding, silent };
}

/** Per source and partition the last word; whoever has just taken over and knows nothing yet does not unsay one. */
export function bestOf(all: Iterable<SourceProgress>): readonly SourceProgress[] {
  const best = new Map<string, SourceProgress>();
  for (const each of all) {
    const key = `${each.kind}\n${each.source}\n${each.partition}`;
    const known = best.get(key);
    if (known === undefined) {
      best.set(key, each);
      continue;
    }
    const [older, newer] = known.atMs <= each.atMs ? [known, each] : [each, known];
    const { completeUntilMs } = newer.completeUntilMs === UNKNOWN ? older : newer;
    best.set(key, { ...newer, completeUntilMs });
  }
  return [...best.values()];
}
