import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { kafkaExporter } from '../../../src/exporters/kafka/component.ts';
import { kafkaExporterConfig } from '../../../src/exporters/kafka/config.ts';
import type { Block, BlockOrigin } from '../../../src/flow/block.ts';
import type { LaneContext } from '../../../src/flow/lane.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { OtlpScanner } from '../../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../../src/span/span-batch.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';
import { encodeProto } from '../../support/spans.ts';
import { waitFor } from '../../support/wait.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A sink whose broker is not there: nothing listens on port 1. */
async function startSink(onFailure: () => void = () => {}) {
  const dictionary = new Dictionary();
  const context: LaneContext = {
    id: 'kafka',
    clock: systemClock,
    random: () => 0.5,
    log: quiet,
    instruments: {
      counter: (name) => ({ add: name.endsWith('_failures_total') ? onFailure : () => {} }),
      timer: () => ({ record: () => {} }),
      gauge: () => ({ set: () => {} }),
    },
    health: { report: () => {} },
    lane: 0,
    lanes: 1,
    revision: 1,
    dictionary,
    post: () => {},
  };
  const config = kafkaExporterConfig.parse({
    brokers: ['127.0.0.1:1'],
    metadata: { retry: { max: 0, backoff: '1ms' } },
    retry_on_failure: { initial_interval: '10ms', max_interval: '10ms' },
  });
  const sink = kafkaExporter.createLane?.(config, context, {
    spans: true,
    throughput: false,
    red: new Map(),
  });
  if (sink === undefined) throw new Error('no sink');
  await sink.start();
  const blockOf = (origin: BlockOrigin): Block => {
    const batch = new SpanBatch();
    const payload = encodeProto([{ service: 'shop', spans: [{ name: 'buy' }] }]);
    new OtlpScanner(dictionary).append(batch, payload, { offset: 0, timestampMs: systemClock.wallMs() });
    return { origin, batch, red: new Map(), throughput: undefined, mayBegin: () => true };
  };
  return { sink, blockOf };
}

test('senders of requests are told at once that Kafka is away, and nothing is tried on for them', async () => {
  const { sink, blockOf } = await startSink();
  const block = blockOf({ kind: 'request', id: 'r1' });
  await expect(sink.write(block, new AbortController().signal)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    retryAfterMs: 2000,
  });
});

test('a block of a log is tried until its source gives up', async () => {
  let failures = 0;
  const { sink, blockOf } = await startSink(() => {
    failures++;
  });
  const abort = new AbortController();
  const block = blockOf(
    kafkaOrigin(0, 0, { clusterId: 'c', topic: 't', partition: 0, firstTimestampMs: 0, revision: 1 }),
  );
  let outcome = 'open';
  const written = sink.write(block, abort.signal).catch((error: { code: string }) => {
    outcome = error.code;
  });
  await waitFor('a third failure', () => failures >= 3);
  expect(outcome).toBe('open');
  abort.abort();
  await written;
  expect(outcome).toBe('STOPPING');
});
