import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { systemClock } from '../base/clock.ts';
import { createInstruments } from '../telemetry/instruments.ts';
import { createLog } from '../telemetry/logger.ts';
import { deadlineIn } from './deadline.ts';
import { armFaults } from './faults.ts';
import { Lane, type Send } from './lane.ts';
import { type LaneSetup, plainError, type ToLane } from './lane-messages.ts';

const BEAT_EVERY_MS = 100;

/** Entry of an ingest thread: builds its lane and does what the main thread says. */
function main(): void {
  const port = parentPort;
  assert(port !== null, 'lane-thread.ts runs as a worker thread');
  const setup = workerData as LaneSetup;
  armFaults(setup.life);
  beat(new Int32Array(setup.beats));
  const send: Send = (message, transfer = []) => port.postMessage(message, [...transfer]);
  const log = createLog(setup.config.service.telemetry.logs);
  const instruments = createInstruments((slot) => send({ type: 'slot', slot }));

  const fail = (error: unknown): void => send({ type: 'failed', error: plainError(error) });
  const tell =
    (type: 'ready' | 'begun' | 'stopped') =>
    (work: Promise<void>): void =>
      void work.then(() => send({ type }), fail);

  const lane = new Lane(
    setup,
    (key, id) => ({
      id,
      clock: systemClock,
      random: Math.random,
      log: log.child({ component: key, lane: setup.lane }),
      instruments,
      health: { report: (status, reason) => send({ type: 'health', key, status, reason }) },
    }),
    send,
  );

  port.on('message', (message: ToLane) => {
    switch (message.type) {
      case 'start':
        tell('ready')(lane.start());
        break;
      case 'begin':
        tell('begun')(lane.begin());
        break;
      case 'requests':
        for (const request of message.requests) lane.receive(request);
        break;
      case 'quiesce':
        lane.quiesce();
        break;
      case 'stop': {
        const deadline = deadlineIn(message.remainingMs);
        tell('stopped')(
          lane.stop(deadline).finally(() => {
            deadline.clear();
            setImmediate(() => port.close());
          }),
        );
        break;
      }
    }
  });
}

/** A thread that is blocked does not count: that is how the main thread knows. */
function beat(beats: Int32Array): void {
  Atomics.add(beats, 0, 1);
  setInterval(() => Atomics.add(beats, 0, 1), BEAT_EVERY_MS).unref();
}

main();
