import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { KafkaSender } from '../../../bench/support/senders.ts';
import { startKafka } from '../../../scripts/parts/kafka.mjs';
import { startClickHouse } from '../../support/clickhouse.ts';
import type {} from '../../support/context.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { createTopic, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { expectOnce, type Ingester, startIngester } from './ingester.ts';

// Several processes are started one after the other.
vi.setConfig({ testTimeout: 240_000 });

const LONGEST_STOP_MS = 10_000;

function names(what: string): { group: string; database: string } {
  return { group: uniqueName(what), database: uniqueName(what).replaceAll('-', '_') };
}

/** SIGTERM; resolves with how long the stop took. */
async function stopInOrder({ engine }: Ingester): Promise<number> {
  const begunMs = performance.now();
  process.kill(engine.pid, 'SIGTERM');
  expect(await engine.ended).toEqual({ code: 0, signal: null });
  return performance.now() - begunMs;
}

async function untilStored(ingester: Ingester, blocks = 3): Promise<void> {
  await waitFor(`${blocks} blocks are stored`, async () => {
    const own = await ingester.own();
    return (own.get('spanweir_blocks_total{outcome="committed",receiver="kafka"}') ?? 0) >= blocks;
  });
}

test('stops under load lose nothing and store nothing twice, each within 10 s', async () => {
  const topic = await createTopic('stops', { partitions: 4 });
  const { group, database } = names('stops');
  const dir = tempDirOfTest();
  const sender = await KafkaSender.start(inject('kafkaBrokers'), topic, 40);
  const tookMs: number[] = [];
  for (let i = 0; i < 3; i++) {
    const ingester = await startIngester({ dir, name: `ingester-${i}`, topic, group, database });
    await untilStored(ingester, 1 + i);
    tookMs.push(await stopInOrder(ingester));
  }
  await sender.end();
  await startIngester({ dir, name: 'last', topic, group, database });
  await expectOnce(inject('clickhouseUrl'), database, sender.sent);
  expect(Math.max(...tookMs)).toBeLessThan(LONGEST_STOP_MS);
  console.log(`3 stops under load: ${tookMs.map((ms) => Math.round(ms)).join(', ')} ms`);
});

test.each([
  ['have been killed', 'SIGKILL'],
  ['do not answer', 'SIGSTOP'],
] as const)('a stop when the brokers %s ends within 10 s', async (_what, signal) => {
  const dir = tempDirOfTest();
  const kafka = await startKafka({ dir: `${dir}/kafka` });
  onTestFinished(async () => {
    await kafka.child.kill();
  });
  const topic = await createTopic('stop', { partitions: 2 }, kafka.brokers);
  const { brokers } = kafka;
  const ingester = await startIngester({ dir, topic, brokers, ...names('stop') });
  const sender = await KafkaSender.start(brokers, topic, 20);
  await untilStored(ingester);
  process.kill(kafka.child.pid, signal);
  void sender.end().catch(() => undefined);
  const tookMs = await stopInOrder(ingester);
  expect(tookMs).toBeLessThan(LONGEST_STOP_MS);
  console.log(`stop with brokers after ${signal}: ${Math.round(tookMs)} ms`);
});

test('a stop while ClickHouse hangs ends within 10 s, and what it had is stored once later', async () => {
  const dir = tempDirOfTest();
  const clickhouse = await startClickHouse({ dir: `${dir}/clickhouse` });
  const pid = clickhouse.pid() as number;
  onTestFinished(async () => {
    process.kill(pid, 'SIGCONT');
    await clickhouse.stop();
  });
  const topic = await createTopic('stop', { partitions: 2 });
  const options = { dir, topic, clickhouseUrl: clickhouse.url, ...names('stop') };
  const ingester = await startIngester(options);
  const sender = await KafkaSender.start(inject('kafkaBrokers'), topic, 40);
  await untilStored(ingester);
  process.kill(pid, 'SIGSTOP');
  await sender.end();
  const tookMs = await stopInOrder(ingester);
  expect(tookMs).toBeLessThan(LONGEST_STOP_MS);
  process.kill(pid, 'SIGCONT');
  await startIngester({ ...options, name: 'next' });
  await expectOnce(clickhouse.url, options.database, sender.sent);
  console.log(`stop with a ClickHouse that hangs: ${Math.round(tookMs)} ms`);
});
