import type { Consumer } from 'kafkajs';
import type { Clock } from '../base/clock.ts';
import { toError } from '../base/errors.ts';
import type { Log } from '../base/instruments.ts';

/** More than one request may take; what is still open then is left to itself. */
const PATIENCE_MS = 40_000;

/**
 * Disconnects a consumer. kafkajs waits for every answer that is due, and for one that never comes it would wait for
 * ever, and with it whoever wants to start anew. Never rejects.
 */
export async function endConsumer(consumer: Consumer, clock: Clock, log: Log): Promise<void> {
  const patience = new AbortController();
  const waited = clock
    .sleep(PATIENCE_MS, patience.signal)
    .then(() => patience.signal.aborted || log.warn({}, 'a consumer does not end: going on without it'));
  try {
    await Promise.race([consumer.disconnect(), waited]);
  } catch (error) {
    log.debug({ err: toError(error) }, 'disconnecting a consumer');
  }
  patience.abort();
}
