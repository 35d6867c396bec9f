import { expect, test } from 'vitest';
import { deadlineIn } from '../../../src/app/deadline.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { Intake } from '../../../src/flow/intake.ts';
import type { LaneContext } from '../../../src/flow/lane.ts';
import { kafkaReceiverConfig } from '../../../src/receivers/kafka/config.ts';
import { createKafkaLaneReceiver } from '../../../src/receivers/kafka/lane-receiver.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const nothing: Intake = {
  freeBytes: 0,
  openPartition: () => {
    throw new Error('not in this test');
  },
  request: () => Promise.reject(new Error('not in this test')),
};

test('a stop does not wait for brokers that are not there', async () => {
  const context: LaneContext = {
    id: 'kafka',
    clock: systemClock,
    random: () => 0.5,
    log: quiet,
    instruments: {
      counter: () => ({ add: () => {} }),
      gauge: () => ({ set: () => {} }),
      timer: () => ({ record: () => {} }),
    },
    health: { report: () => {} },
    lane: 0,
    lanes: 1,
    revision: 1,
    dictionary: new Dictionary(),
    post: () => {},
  };
  // Nothing listens on port 1.
  const config = kafkaReceiverConfig.parse({ brokers: ['127.0.0.1:1'] });
  const receiver = createKafkaLaneReceiver(config, context, nothing);
  await receiver.start();
  const deadline = deadlineIn(10_000);
  const began = performance.now();
  await receiver.stop(deadline);
  deadline.clear();
  expect(performance.now() - began).toBeLessThan(2000);
});
