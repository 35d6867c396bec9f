import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isAlive } from '../../../scripts/parts/cache.mjs';
import { startChild, untilReady } from '../../../scripts/parts/child.mjs';
import { startKafka } from '../../../scripts/parts/kafka.mjs';
import { processesWith } from '../../../scripts/parts/leftovers.mjs';
import { startPrometheus } from '../../../scripts/parts/prometheus.mjs';
import { startClickHouse } from '../../support/clickhouse.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { createTopic, kafkaClient } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';

const childModule = new URL('../../../scripts/parts/child.mjs', import.meta.url).href;

test('Kafka, ClickHouse and Prometheus are gone after their orderly stop', async () => {
  const dir = tempDirOfTest();
  const [kafka, clickhouse, prometheus] = await Promise.all([
    startKafka({ dir: join(dir, 'kafka') }),
    startClickHouse({ dir: join(dir, 'clickhouse') }),
    startPrometheus({ dir: join(dir, 'prometheus') }),
  ]);
  const pids = [kafka.child.pid, clickhouse.pid() ?? 0, prometheus.child.pid];
  expect(pids.map(isAlive)).toEqual([true, true, true]);
  await Promise.all([kafka.stop(), clickhouse.stop(), prometheus.stop()]);
  expect(pids.map(isAlive)).toEqual([false, false, false]);
  for (const { child } of [kafka, prometheus]) expect((await child.ended).signal).not.toBe('SIGKILL');
});

test('a broker that is started again finds its data, also on other ports', async () => {
  const dir = tempDirOfTest();
  const first = await startKafka({ dir });
  const topic = await createTopic('kept', { partitions: 3 }, first.brokers);
  await first.stop();
  const second = await startKafka({ dir });
  expect(second.brokers).not.toEqual(first.brokers);
  const admin = kafkaClient(second.brokers).admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.disconnect();
  expect(topics[0]?.partitions).toHaveLength(3);
  await second.stop();
});

test.for(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'a child ends although its parent was ended by %s',
  async (signal) => {
    const dir = tempDirOfTest();
    const mark = randomUUID();
    const program = join(dir, 'parent.mjs');
    writeFileSync(
      program,
      `import { startChild } from ${JSON.stringify(childModule)};
      await startChild({ name: 'sleep', command: 'sleep', args: ['600'], logFile: ${JSON.stringify(join(dir, 'sleep'))} });
      setInterval(() => {}, 1000);`,
    );
    const env = { ...process.env, ENDING_TEST: mark };
    const parent = spawn(process.execPath, [program], { env, stdio: 'ignore' });
    const started = () =>
      processesWith('ENDING_TEST', mark).some(({ command }) => command.startsWith('sleep'));
    await waitFor('the child of the child', started);
    parent.kill(signal);
    await waitFor('an end of all of them', () => processesWith('ENDING_TEST', mark).length === 0);
  },
);

test('a child that will not end is killed when the deadline is over', async () => {
  const logFile = join(tempDirOfTest(), 'stubborn');
  const script = "trap '' TERM; echo ready; while :; do sleep 0.1; done";
  const child = await startChild({ name: 'stubborn', command: 'sh', args: ['-c', script], logFile });
  await untilReady(child, async () => child.logTail() === 'ready');
  expect(await child.stop(200)).toEqual({ code: null, signal: 'SIGKILL' });
  expect(isAlive(child.pid)).toBe(false);
});

test('a child that ends while it should get ready is reported with its last words', async () => {
  const logFile = join(tempDirOfTest(), 'short');
  const child = await startChild({
    name: 'short',
    command: 'sh',
    args: ['-c', 'echo no luck; exit 3'],
    logFile,
  });
  await expect(untilReady(child, async () => false)).rejects.toThrow(/short ended while starting\nno luck/);
});

test('a program that does not exist is named', async () => {
  const options = {
    name: 'nobody',
    command: '/does/not/exist',
    args: [],
    logFile: join(tempDirOfTest(), 'x'),
  };
  await expect(startChild(options)).rejects.toThrow(/^nobody could not be started/);
});
