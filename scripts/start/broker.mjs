// @ts-check
import { join } from 'node:path';
import { openKafka } from '../parts/kafka.mjs';
import { ROOT } from '../parts/node-modules.mjs';

/**
 * Holds the broker in a process group of its own, so that Ctrl-C does not end it before its clients. Tells
 * the brokers' addresses over IPC, and ends the broker when told to, or when who started it is gone.
 * The ports are fixed: the controller remembers its own in its data.
 */
const kafka = await openKafka({ dir: join(ROOT, 'data', 'kafka'), port: 9092, controllerPort: 9093 });

let stopping = false;
/** @param {number} code */
async function end(code) {
  if (stopping) return;
  stopping = true;
  await kafka.stop();
  process.exit(code);
}
process.on('SIGTERM', () => void end(0));
process.on('SIGINT', () => {});
process.on('disconnect', () => void end(0));
void kafka.child?.ended.then(({ code, signal }) => {
  if (stopping) return;
  process.stderr.write(`the broker ended with ${signal ?? code}\n${kafka.child?.logTail()}\n`);
  process.exit(1);
});
process.send?.({ brokers: kafka.brokers });
