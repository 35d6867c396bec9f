import type { Clock } from '../base/clock.ts';
import type { LaneReceiver } from '../flow/lane.ts';
import type { LaneIntake } from '../flow/lane-intake.ts';
import type { LaneProgress, PartitionProgress } from '../flow/lane-progress.ts';

interface WatchedPath {
  readonly intake: Pick<LaneIntake, 'requestsWaitSinceMs'>;
  readonly receiver: LaneReceiver | undefined;
}

const EVERY_MS = 1000;

/** Tells how far these paths are, every second until the signal. */
export async function postProgress(
  paths: readonly WatchedPath[],
  clock: Clock,
  post: (progress: LaneProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const progress = progressOf(paths, clock);
    if (progress !== undefined) post(progress);
    await clock.sleep(EVERY_MS, signal);
  }
}

/** Receivers with a half in the lane read partitions; the others hand requests over. While one knows nothing, all is silent. */
function progressOf(paths: readonly WatchedPath[], clock: Clock): LaneProgress | undefined {
  const nowMs = clock.wallMs();
  const partitions: PartitionProgress[] = [];
  for (const { receiver } of paths) {
    if (receiver?.progress === undefined) continue;
    const own = receiver.progress(nowMs);
    if (own === undefined) return undefined;
    partitions.push(...own);
  }
  const requests = paths.filter(({ receiver }) => receiver === undefined);
  if (requests.length === 0) return { partitions, requestsUntilMs: undefined };
  const monotonicMs = clock.monotonicMs();
  const ages = requests.map(({ intake }) => monotonicMs - (intake.requestsWaitSinceMs ?? monotonicMs));
  return { partitions, requestsUntilMs: nowMs - Math.max(...ages) };
}
