import { Observable } from 'rxjs';
import type { Clock } from '../base/clock.ts';

/** Emits every `everyMs` by the given clock, counted from the end of the last emission; stops when unsubscribed. */
export function ticks(clock: Clock, everyMs: number): Observable<void> {
  return new Observable<void>((subscriber) => {
    const stop = new AbortController();
    const run = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        await clock.sleep(everyMs, stop.signal);
        if (!stop.signal.aborted) subscriber.next();
      }
    };
    run().catch((error: unknown) => subscriber.error(error));
    return () => stop.abort();
  });
}
