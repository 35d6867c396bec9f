import { expect, inject, onTestFinished, test } from 'vitest';
import { type Samples, scrape, total } from '../../../bench/support/exposition.ts';
import { maxRssMiB } from '../../../bench/support/process-usage.ts';
import { numberedSpans } from '../../../bench/support/senders.ts';
import { fillTopic } from '../../../bench/support/topic.ts';
import { Workload } from '../../../bench/workload.ts';
import { startClickHouse } from '../../support/clickhouse.ts';
import type {} from '../../support/context.ts';
import { encodeProto } from '../../support/spans.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { createTopic } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { freeAddress, startEngine } from './engine.ts';
import { type Counts, kafkaReceiver, query } from './parts.ts';

const brokers = inject('kafkaBrokers');
const MIB = 1 << 20;

test('while ClickHouse is away a flood stays on the topic: what is held is bounded, and all of it arrives later', async () => {
  const dir = tempDirOfTest();
  const limitBytes = 16 * MIB;
  let database = await startClickHouse({ dir });
  onTestFinished(() => database.stop());
  const topic = await createTopic('flood', { partitions: 8 });
  const [otlp, own] = [await freeAddress(), await freeAddress()];
  const engine = await startEngine({
    dir,
    config: {
      receivers: { kafka: kafkaReceiver(topic), otlp: { protocols: { http: { endpoint: otlp } } } },
      exporters: {
        clickhouse: { endpoint: database.url, retry_on_failure: { max_interval: '1s' } },
      },
      service: {
        telemetry: { metrics: { address: own } },
        spanweir: { block: { max_in_flight_bytes: limitBytes } },
        pipelines: { traces: { receivers: ['kafka', 'otlp'], exporters: ['clickhouse'] } },
      },
    },
  });
  const rows = async (): Promise<Counts | undefined> =>
    (
      await query<Counts>(
        database.httpPort,
        'SELECT count() AS rows, uniqExact(TraceId, SpanId) AS spans FROM otel_traces',
      )
    )[0];
  const fill = async (spans: number): Promise<Workload> => {
    const workload = new Workload({ spans, seed: spans, startNs: BigInt(Date.now() - 60_000) * 1_000_000n });
    await fillTopic(brokers, topic, { partitions: 8, workload, isNew: false });
    return workload;
  };
  // A partition that is owned for the first time is not read before ClickHouse has said what it has of it.
  await fill(800);
  await waitFor('every partition is read', async () => (await rows())?.spans === 800);
  const idleMiB = maxRssMiB(engine.pid);
  await database.stop();
  const workload = await fill(150_000);

  const taken = async (): Promise<number> => total(await ownPage(own), 'spanweir_intake_bytes_total');
  let before = -1;
  const heldBytes = await waitFor(
    'nothing more is read',
    async () => {
      const now = await taken();
      const isStill = now > limitBytes / 2 && now === before;
      before = now;
      return isStill && now;
    },
    { everyMs: 1000 },
  );
  const rssMiB = maxRssMiB(engine.pid);
  const sentMiB = workload.ledger.bytes / MIB;
  console.log(
    `${sentMiB.toFixed(0)} MiB sent, ${(heldBytes / MIB).toFixed(1)} MiB taken of a limit of ${limitBytes / MIB} MiB; ` +
      `RSS ${idleMiB} MiB idle, ${rssMiB} MiB at most`,
  );
  // The limit is looked at between fetches: each partition may bring one more, of a mebibyte at most.
  expect(heldBytes).toBeLessThanOrEqual(limitBytes + 8 * MIB);
  expect(rssMiB - idleMiB).toBeLessThan(150);
  expect(sentMiB).toBeGreaterThan(3 * (limitBytes / MIB));
  await waitFor('the lag is told although nothing is fetched', async () => {
    return total(await ownPage(own), 'spanweir_kafka_receiver_lag_messages') > 800;
  });
  const page = await ownPage(own);
  const healthy = (component: string) => page.get(`spanweir_component_healthy{component="${component}"}`);
  expect([healthy('exporter:clickhouse'), healthy('receiver:kafka')]).toEqual([0, 1]);

  const refusedMs = performance.now();
  const refused = await fetch(`http://${otlp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: encodeProto([{ service: 'late', spans: numberedSpans('ff', 0) }]),
  });
  expect([refused.status, refused.headers.has('retry-after')]).toEqual([503, true]);
  expect(performance.now() - refusedMs).toBeLessThan(2000);

  database = await startClickHouse({ dir, httpPort: database.httpPort });
  await waitFor('all is stored', async () => (await rows())?.spans === 150_800);
  expect(await rows()).toEqual({ rows: 150_800, spans: 150_800 });
});

function ownPage(address: string): Promise<Samples> {
  return scrape(`http://${address}/metrics`);
}
