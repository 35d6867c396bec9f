import type { ComponentContext } from '../../../base/component.ts';
import { completenessOf, type SourceProgress, UNKNOWN } from '../../../sampling/store/progress.ts';
import type { SamplingStore } from '../../../sampling/store/store.ts';

export interface CompleteWindows {
  /** How long late spans are waited for. */
  readonly delayMs: number;
  /** Up to which time all windows are complete, Unix ms; rejects while nobody can be asked. */
  completeUntilMs(nowMs: number): Promise<number>;
}

/** As Jaeger has it: what is old enough is complete, whatever still waits in a log. */
export function windowsByTheClock(delayMs: number): CompleteWindows {
  return { delayMs, completeUntilMs: (nowMs) => Promise.resolve(nowMs - delayMs) };
}

/** How often it is said again that the same partition holds the windows back. */
const TELL_EVERY_MS = 300_000;
/** Behind by so much it is worth a word. */
const WORTH_TELLING_MS = 60_000;

/** What no source of spans holds back any more, and what is old enough. */
export function windowsByProgress(
  delayMs: number,
  store: Pick<SamplingStore, 'progress'>,
  { log, instruments }: Pick<ComponentContext, 'log' | 'instruments'>,
): CompleteWindows {
  const behind = instruments.gauge('spanweir_sampling_windows_behind_seconds');
  const silentPartitions = instruments.gauge('spanweir_sampling_silent_partitions');
  let told = '';
  let toldMs = Number.NEGATIVE_INFINITY;
  const tell = (holding: SourceProgress | undefined, isSilent: boolean, nowMs: number): void => {
    const about = holding === undefined ? 'nobody' : `${holding.source} ${holding.partition} ${isSilent}`;
    if (about === told && nowMs - toldMs < TELL_EVERY_MS) return;
    told = about;
    toldMs = nowMs;
    if (holding === undefined) {
      log.info({}, 'nobody has told yet how far the spans are: sampling stays as it is');
      return;
    }
    const { source, partition, completeUntilMs } = holding;
    const behindS = completeUntilMs === UNKNOWN ? 'unknown' : Math.round((nowMs - completeUntilMs) / 1000);
    log.warn(
      { source, partition, behindS },
      isSilent
        ? 'a partition that nobody reads holds sampling decisions back'
        : 'a partition that is behind holds sampling decisions back',
    );
  };
  return {
    delayMs,
    completeUntilMs: async (nowMs) => {
      const { completeUntilMs, holding, silent } = completenessOf(await store.progress(), nowMs);
      const behindMs = nowMs - completeUntilMs;
      const isKnown = Number.isFinite(behindMs) && completeUntilMs !== UNKNOWN;
      behind.set(isKnown ? Math.max(0, behindMs) / 1000 : 0);
      silentPartitions.set(silent.length);
      if (behindMs > WORTH_TELLING_MS)
        tell(holding, holding !== undefined && silent.includes(holding), nowMs);
      else told = '';
      return Math.min(nowMs, completeUntilMs) - delayMs;
    },
  };
}
