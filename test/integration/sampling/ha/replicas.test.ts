import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startKafka } from '../../../../scripts/parts/kafka.mjs';
import { tempDirOfTest } from '../../../support/temp-dir.ts';
import { createTopic, kafkaClient, uniqueName } from '../../../support/topics.ts';
import { waitFor } from '../../../support/wait.ts';
import { perOperation, snapshotOf } from './fake-deciding.ts';
import { type Replica, startReplica } from './replica.ts';

const STILL = () => snapshotOf({ shop: perOperation({ 'GET /': 0.5 }) });

function controllers(replicas: readonly Replica[]): Replica[] {
  return replicas.filter(({ provider }) => provider.deciding !== undefined);
}

function versions(replicas: readonly Replica[]): (number | undefined)[] {
  return replicas.map((replica) => replica.served()?.version);
}

async function allServe(replicas: readonly Replica[], version: number): Promise<void> {
  const isThere = (): boolean => versions(replicas).every((each) => each === version);
  await waitFor(`all serve version ${version}`, isThere, { everyMs: 2 });
}

async function startThree(topic: string, wanted = STILL): Promise<Replica[]> {
  return await Promise.all(['a', 'b', 'c'].map((self) => startReplica({ topic, self, wanted })));
}

test('three replicas serve what one of them decides, and a change reaches all within a second', async () => {
  let rate = 0.5;
  const replicas = await startThree(uniqueName('ha'), () =>
    snapshotOf({ shop: perOperation({ 'GET /': rate }) }),
  );
  await allServe(replicas, 1);
  expect(controllers(replicas)).toHaveLength(1);
  for (const replica of replicas) {
    expect(replica.served()?.services.get('shop')).toEqual(perOperation({ 'GET /': 0.5 }));
    expect(replica.served()?.fallback).toEqual(perOperation({}));
  }
  rate = 0.25;
  await waitFor('one serves version 2', () => versions(replicas).includes(2), { everyMs: 2 });
  const beganMs = performance.now();
  await allServe(replicas, 2);
  expect(performance.now() - beganMs).toBeLessThan(1000);
  for (const replica of replicas) {
    expect(replica.served()?.services.get('shop')).toEqual(perOperation({ 'GET /': 0.25 }));
  }
});

test('a controller that stops is replaced at once, by one that goes on where it ended', async () => {
  const replicas = await startThree(uniqueName('ha'));
  await allServe(replicas, 1);
  const [first] = controllers(replicas);
  const before = replicas.map((replica) => replica.served());
  const beganMs = performance.now();
  await first?.stop();
  const others = replicas.filter((replica) => replica !== first);
  const next = await waitFor('another one decides', () =>
    controllers(others).find(({ provider }) => (provider.deciding?.rounds ?? 0) > 2),
  );
  // Nothing like the session timeout.
  expect(performance.now() - beganMs).toBeLessThan(5000);
  expect(next.provider.deciding?.restoredFrom.map((served) => served?.version)).toEqual([1]);
  expect(versions(others)).toEqual([1, 1]);
  const stillServed = others.map((replica) => replica.served());
  expect(stillServed).toEqual(before.slice(1));
});

test('a replica that joins later serves what the others serve, and leaves the controller where it is', async () => {
  const topic = uniqueName('ha');
  let rate = 0.5;
  const wanted = () => snapshotOf({ shop: perOperation({ 'GET /': rate }) });
  const first = await startReplica({ topic, self: 'a', wanted });
  await allServe([first], 1);
  rate = 0.4;
  await allServe([first], 2);
  const reign = first.provider.deciding;
  const later = await Promise.all(['b', 'c', 'd'].map((self) => startReplica({ topic, self, wanted })));
  expect(versions(later)).toEqual([2, 2, 2]);
  for (const replica of later) expect(replica.served()).toEqual(first.served());
  rate = 0.3;
  await allServe([first, ...later], 3);
  expect(first.provider.deciding).toBe(reign);
  expect(controllers(later)).toEqual([]);
});

test('versions go on when the group was deleted while all were down', async () => {
  const topic = uniqueName('ha');
  let rate = 0.5;
  const wanted = () => snapshotOf({ shop: perOperation({ 'GET /': rate }) });
  const before = await startThree(topic, wanted);
  await allServe(before, 1);
  rate = 0.4;
  await allServe(before, 2);
  const last = before[0]?.served();
  await Promise.all(before.map((replica) => replica.stop()));
  const admin = kafkaClient().admin();
  await admin.connect();
  await waitFor('the group is deleted', () => admin.deleteGroups([topic]));
  const after = await startThree(topic, wanted);
  expect(after.map((replica) => replica.served())).toEqual([last, last, last]);
  await waitFor('one decides', () => controllers(after).length === 1);
  rate = 0.3;
  await allServe(after, 3);
  const { groups } = await admin.describeGroups([topic]);
  expect(groups[0]?.members).toHaveLength(3);
  await admin.disconnect();
});

test('versions go beyond what was served when the topic was deleted and made anew', async () => {
  const topic = uniqueName('ha');
  let rate = 0.5;
  const replicas = await startThree(topic, () => snapshotOf({ shop: perOperation({ 'GET /': rate }) }));
  await allServe(replicas, 1);
  rate = 0.4;
  await allServe(replicas, 2);
  const admin = kafkaClient().admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic] });
  await waitFor('it is gone', async () => !(await admin.listTopics()).includes(topic));
  expect(versions(replicas)).toEqual([2, 2, 2]);
  await admin.createTopics({
    topics: [{ topic, numPartitions: 1, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
    waitForLeaders: false,
  });
  await admin.disconnect();
  rate = 0.3;
  await waitFor(
    'all serve a version above',
    () => versions(replicas).every((version) => (version ?? 0) > 2),
    {
      deadlineMs: 60_000,
    },
  );
  for (const replica of replicas) {
    expect(replica.served()?.services.get('shop')).toEqual(perOperation({ 'GET /': 0.3 }));
  }
});

test('a topic that is of no use ends the start with what to do', async () => {
  const topic = await createTopic('ha');
  await expect(startReplica({ topic, self: 'a', wanted: STILL })).rejects.toMatchObject({
    code: 'REFUSED',
    message: expect.stringContaining('has cleanup.policy=delete and needs compact'),
  });
});

test('while the brokers are away everybody serves what they have, says so, and goes on when they are back', async () => {
  const dir = join(tempDirOfTest(), 'kafka');
  const first = await startKafka({ dir });
  const port = Number(first.brokers[0]?.split(':')[1]);
  const { brokers } = first;
  const topic = uniqueName('ha');
  let rate = 0.5;
  const wanted = () => snapshotOf({ shop: perOperation({ 'GET /': rate }) });
  const replicas = await Promise.all(
    ['a', 'b'].map((self) => startReplica({ brokers, topic, self, wanted })),
  );
  await allServe(replicas, 1);
  const before = replicas.map((replica) => replica.served());
  await first.child.kill();
  rate = 0.4;
  const told = 'the brokers of the control topic do not answer: version 1 goes on being served';
  await waitFor('both say so', () =>
    replicas.every(
      ({ health }) => health.at(-1)?.status === 'recoverable' && health.at(-1)?.reason?.includes(told),
    ),
  );
  await waitFor('nobody decides', () =>
    replicas.every(({ values }) => (values.get('spanweir_sampling_topic_silence_seconds') ?? 0) > 8),
  );
  expect(replicas.map((replica) => replica.served())).toEqual(before);
  const fresh = startReplica({ brokers, topic, self: 'c', wanted });
  const again = await startKafka({ dir, port });
  try {
    const all = [...replicas, await fresh];
    await waitFor('all serve the next version', () => versions(all).every((version) => version === 2), {
      deadlineMs: 60_000,
    });
    await waitFor('all are well', () => all.every(({ health }) => health.at(-1)?.status === 'ok'));
  } finally {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await again.stop();
  }
});
