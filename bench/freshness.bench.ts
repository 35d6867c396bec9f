import { randomBytes } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { encodeProto } from '../test/support/spans.ts';
import { startFullEngine } from './support/full-engine.ts';
import { Session, until } from './support/session.ts';
import { fillTopic } from './support/topic.ts';
import { Workload } from './workload.ts';

const LIMIT_MS = 3000;

/** From the broker's acknowledgement of a lone span until a query finds it. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const session = await Session.open();
  try {
    await fillTopic(session.brokers, 'lone', { partitions: 8, workload: new Workload({ spans: 0 }) });
    const engine = await startFullEngine(session, { name: 'lone', group: 'lone', topic: 'lone' });
    session.onEnd(() => engine.child.stop(30_000));
    const kafka = new Kafka({ brokers: [...session.brokers], clientId: 'bench', logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    session.onEnd(() => producer.disconnect());
    const tookMs: number[] = [];
    for (let i = 0; i < (size === 'full' ? 30 : 3); i++) {
      const traceId = randomBytes(16).toString('hex');
      const span = {
        traceId,
        spanId: '0102030405060708',
        name: 'lone',
        startNs: BigInt(Date.now()) * 1_000_000n,
      };
      await producer.send({
        topic: 'lone',
        messages: [{ value: encodeProto([{ service: 'lone', spans: [span] }]) }],
      });
      const sentMs = performance.now();
      await until(
        () => engine.query(`SELECT 1 FROM otel_traces WHERE TraceId = '${traceId}'`),
        (rows) => rows.length === 1,
        20_000,
        20,
      );
      tookMs.push(performance.now() - sentMs);
    }
    tookMs.sort((a, b) => a - b);
    const worst = tookMs.at(-1) as number;
    const middle = tookMs[tookMs.length >> 1] as number;
    console.log(
      `a lone span is queryable after ${middle.toFixed(0)} ms (median), ${worst.toFixed(0)} ms (worst)`,
    );
    return worst <= LIMIT_MS;
  } finally {
    await session.end();
  }
}
