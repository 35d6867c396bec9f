import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/instruments.ts';

const SAY_EVERY_MS = 10_000;

/** Runs a step of the start; says again and again what is being waited for while it takes long. */
export async function watched(
  step: { readonly waitsFor: string; readonly run: () => Promise<void> },
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<void> {
  const done = new AbortController();
  const fromMs = clock.monotonicMs();
  void sayWhileWaiting();
  try {
    await step.run();
  } finally {
    done.abort();
  }

  async function sayWhileWaiting(): Promise<void> {
    for (;;) {
      await clock.sleep(SAY_EVERY_MS, done.signal);
      if (done.signal.aborted) return;
      const seconds = Math.round((clock.monotonicMs() - fromMs) / 1000);
      log.warn({ waitsFor: step.waitsFor, seconds }, 'still starting');
    }
  }
}
