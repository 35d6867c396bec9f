import { expect, test } from 'vitest';
import { SpanweirError } from '../../src/base/errors.ts';
import type { BlockOrigin } from '../../src/flow/block.ts';
import { DataPathFlow } from '../../src/flow/data-path.ts';
import type { BlockSink } from '../../src/flow/lane.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { FakeClock, settle } from './fake-clock.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function sink(id: string, durable: boolean, write: () => Promise<void>): BlockSink {
  return {
    id,
    durable,
    effectOnce: false,
    blockWish: { spans: 1, lingerMs: 0 },
    start: async () => {},
    stop: async () => {},
    write,
  };
}

const takes = async (): Promise<void> => undefined;
const fails = async (): Promise<void> => {
  throw new SpanweirError('UNAVAILABLE', 'away', { retry: 'backoff' });
};

/** How often it was counted that only a part of the sinks has the block. */
async function counted(sinks: readonly BlockSink[], origin: BlockOrigin): Promise<number> {
  let count = 0;
  const flow = new DataPathFlow(
    { throughput: undefined, connectors: new Map(), sinks },
    {
      concurrency: 1,
      clock: new FakeClock(),
      random: () => 1,
      log: quiet,
      halfStored: {
        add: (n) => {
          count += n;
        },
      },
    },
  );
  const value = { origin, batch: new SpanBatch(), mayBegin: () => true };
  flow.submit({ value, signal: new AbortController().signal, ack: () => {}, nack: () => {} });
  await settle();
  flow.close();
  return count;
}

const request: BlockOrigin = { kind: 'request', id: 'x' };

test('a request that one sink has stored and another has not is counted: it will be stored again', async () => {
  expect(await counted([sink('a', true, takes), sink('b', true, fails)], request)).toBe(1);
});

test('it is not counted when all have it, when none has, or when who has it keeps nothing', async () => {
  expect(await counted([sink('a', true, takes), sink('b', true, takes)], request)).toBe(0);
  expect(await counted([sink('a', true, fails), sink('b', true, fails)], request)).toBe(0);
  expect(await counted([sink('a', false, takes), sink('b', true, fails)], request)).toBe(0);
});
