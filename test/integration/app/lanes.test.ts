import { expect, inject, test } from 'vitest';
import { total } from '../../../bench/support/exposition.ts';
import { KafkaSender } from '../../../bench/support/senders.ts';
import type {} from '../../support/context.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { createTopic, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { expectOnce, startIngester } from './ingester.ts';

const brokers = inject('kafkaBrokers');
const clickhouseUrl = inject('clickhouseUrl');

function names(what: string): { group: string; database: string } {
  return { group: uniqueName(what), database: uniqueName(what).replaceAll('-', '_') };
}

test.each([
  ['throws with a plan made known', 'lane_throw:plan_committed:6', 'error', {}],
  ['hangs between insert and commit', 'lane_hang:inserted:4', 'hang', { watchdog: '3s' }],
  ['runs out of memory between insert and commit', 'lane_oom:inserted:4', 'memory', { worker_heap: '96MiB' }],
] as const)(
  'an ingest thread that %s is replaced, and every span is stored once',
  async (_what, fault, reason, engine) => {
    const topic = await createTopic('lanes', { partitions: 4 });
    const { group, database } = names('lanes');
    const ingester = await startIngester({
      dir: tempDirOfTest(),
      topic,
      group,
      database,
      engine,
      env: { SPANWEIR_TEST_FAULT: `fault:${fault}` },
    });
    const sender = await KafkaSender.start(brokers, topic, 40);
    const deaths = `spanweir_worker_deaths_total{reason="${reason}"}`;
    await waitFor('a thread has died', async () => (await ingester.own()).get(deaths) === 1);
    await waitFor('another one is in its place', async () => {
      return (await ingester.trouble('engine:lanes')) === '';
    });
    await sender.end();
    await expectOnce(clickhouseUrl, database, sender.sent);
    expect(total(await ingester.own(), 'spanweir_worker_deaths_total')).toBe(1);
  },
);

test('a thread that keeps dying ends the process, which says of what', async () => {
  const topic = await createTopic('lanes', { partitions: 2 });
  const ingester = await startIngester({
    dir: tempDirOfTest(),
    topic,
    ...names('dying'),
    engine: { workers: 1 },
    receiver: { session_timeout: '6s' },
    env: { SPANWEIR_TEST_FAULT: 'fault:lane_throw:inserted:1:3' },
  });
  const sender = await KafkaSender.start(brokers, topic, 20);
  expect(await ingester.engine.ended).toEqual({ code: 1, signal: null });
  await sender.end();
  const why = 'thread 0 of error (a fault that a test asked for)';
  expect(ingester.engine.log().trimEnd().split('\n').at(-1)).toBe(
    `spanweir: 3 ingest threads died within a minute: ${why}, ${why}, ${why}`,
  );
});
