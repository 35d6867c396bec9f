import type { StoredRange } from './block.ts';
import type { PartitionSource } from './intake.ts';
import type { IntakeDeps } from './intake-shared.ts';
import { retrying } from './retry.ts';

/**
 * The blocks of a partition, from `offset` on, that every effect-once sink has stored as a whole. Asks until
 * there is an answer; none when `signal` aborts.
 */
export async function storedRanges(
  deps: IntakeDeps,
  source: PartitionSource,
  offset: number,
  signal: AbortSignal,
): Promise<StoredRange[]> {
  const { clock, flow, log, random } = deps;
  try {
    const answers = await Promise.all(
      flow.path.sinks
        .filter(({ effectOnce }) => effectOnce)
        .map((sink) =>
          retrying(async () => (await sink.stored?.(source, offset, signal)) ?? [], signal, {
            initialMs: 200,
            maxMs: 10_000,
            clock,
            random,
            isFinal: () => false,
            onFailure: (err, waitMs) =>
              log.warn({ err, sink: sink.id, waitMs }, 'what is stored already is not known; asking again'),
          }),
        ),
    );
    const [first = [], ...others] = answers;
    return first.filter((range) => others.every((other) => other.some((known) => isSame(known, range))));
  } catch {
    // Only an abort ends the tries.
    return [];
  }
}

function isSame(a: StoredRange, b: StoredRange): boolean {
  return (
    a.firstOffset === b.firstOffset &&
    a.lastOffset === b.lastOffset &&
    a.firstTimestampMs === b.firstTimestampMs
  );
}
