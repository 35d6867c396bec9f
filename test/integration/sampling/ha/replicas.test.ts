import { expect, test } from 'vitest';
import { uniqueName } from '../../../support/topics.ts';
import { waitFor } from '../../../support/wait.ts';
import { perOperation, type Replica, snapshotOf, startReplica } from './replica.ts';

function controllers(replicas: readonly Replica[]): Replica[] {
  return replicas.filter(({ provider }) => provider.deciding !== undefined);
}

function versions(replicas: readonly Replica[]): (number | undefined)[] {
  return replicas.map((replica) => replica.served()?.version);
}

async function startThree(topic: string, wanted: () => ReturnType<typeof snapshotOf>): Promise<Replica[]> {
  return await Promise.all(['a', 'b', 'c'].map((self) => startReplica({ topic, self, wanted })));
}

test('three replicas serve what one of them decides, and a change reaches all within a second', async () => {
  const topic = uniqueName('ha');
  let rate = 0.5;
  const replicas = await startThree(topic, () => snapshotOf({ shop: perOperation({ 'GET /': rate }) }));
  await waitFor('all serve version 1', () => versions(replicas).every((version) => version === 1));
  expect(controllers(replicas)).toHaveLength(1);
  for (const replica of replicas) {
    expect(replica.served()?.services.get('shop')).toEqual(perOperation({ 'GET /': 0.5 }));
    expect(replica.served()?.fallback).toEqual(perOperation({}));
  }
  rate = 0.25;
  await waitFor('one serves version 2', () => versions(replicas).includes(2), { everyMs: 2 });
  const beganMs = performance.now();
  await waitFor('all serve version 2', () => versions(replicas).every((version) => version === 2), {
    everyMs: 2,
  });
  const tookMs = performance.now() - beganMs;
  console.log('apart', tookMs);
  expect(tookMs).toBeLessThan(1000);
  for (const replica of replicas) {
    expect(replica.served()?.services.get('shop')).toEqual(perOperation({ 'GET /': 0.25 }));
  }
});

test('one that stops is replaced at once, by one that goes on where it ended', async () => {
  const topic = uniqueName('ha');
  const replicas = await startThree(topic, () => snapshotOf({ shop: perOperation({ 'GET /': 0.5 }) }));
  await waitFor('all serve version 1', () => versions(replicas).every((version) => version === 1));
  const [first] = controllers(replicas);
  const before = replicas.map((replica) => replica.served());
  const beganMs = performance.now();
  await first?.stop();
  const others = replicas.filter((replica) => replica !== first);
  const next = await waitFor('another one decides', () =>
    controllers(others).find(({ provider }) => (provider.deciding?.rounds ?? 0) > 2),
  );
  console.log('replaced after', performance.now() - beganMs);
  expect(next.provider.deciding?.restoredFrom).toEqual([before[0]]);
  expect(versions(others)).toEqual([1, 1]);
  expect(others.map((replica) => replica.served())).toEqual(before.slice(1));
});
