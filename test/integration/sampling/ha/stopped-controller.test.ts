import { setTimeout as passing } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { uniqueName } from '../../../support/topics.ts';
import { waitFor } from '../../../support/wait.ts';
import { contradictions, type ReplicaProcess, startReplicaProcess } from './replica-fleet.ts';

const STOPPED_MS = 60_000;

async function decider(processes: readonly ReplicaProcess[]): Promise<ReplicaProcess> {
  return await waitFor('one decides', () => processes.find((each) => each.decides()));
}

/** All have served a version that this one has served now. */
async function atOne(processes: readonly ReplicaProcess[]): Promise<void> {
  const newest = Math.max(...processes.map((each) => each.version()));
  await waitFor(`all reach version ${newest}`, () => processes.every((each) => each.version() >= newest));
}

describe.concurrent('a controller that is stopped for a minute in the middle of its writes', () => {
  test.for([
    ['and looks at the time when it goes on', ''],
    ['and writes on without a look at anything', 'careless'],
  ])('%s changes nothing', { timeout: 240_000 }, async ([, how], { expect, onTestFinished }) => {
    const topic = uniqueName('ha');
    const starts = ['a', 'b', 'c'].map((self) => startReplicaProcess(onTestFinished, topic, self, how));
    const processes = await Promise.all(starts);
    const first = await decider(processes);
    await waitFor('it writes', () => first.version() > 20);
    first.signal('SIGUSR2');
    const { atMs: stoppedAtMs } = await waitFor('it stops', () => first.lines().find(({ stops }) => stops));
    const others = processes.filter((each) => each !== first);
    const next = await decider(others);
    const tookMs = (next.lines().find(({ decides }) => decides === true)?.atMs ?? Number.NaN) - stoppedAtMs;
    expect(tookMs).toBeLessThan(8000);
    const atStop = first.version();
    await passing(STOPPED_MS - (Date.now() - stoppedAtMs));
    first.signal('SIGCONT');
    await waitFor(
      'it has noticed',
      () => !first.decides() && first.lines().some(({ fenced }) => fenced === 1),
      { deadlineMs: 60_000 },
    );
    await atOne(processes);
    expect(next.version()).toBeGreaterThan(atStop);
    expect(next.decides()).toBe(true);
    expect(contradictions(processes)).toEqual([]);
  });
});

test('controllers that are killed in the middle of their writes are each replaced within the session timeout', async ({
  onTestFinished,
}) => {
  const topic = uniqueName('ha');
  const processes = await Promise.all(
    ['a', 'b', 'c'].map((self) => startReplicaProcess(onTestFinished, topic, self)),
  );
  const alive = [...processes];
  const tookMs: number[] = [];
  for (let i = 0; i < 3; i++) {
    const first = await decider(alive);
    const begins = first.version();
    await waitFor('it writes', () => first.version() > begins + 10);
    const killedAtMs = Date.now();
    await first.kill();
    alive.splice(alive.indexOf(first), 1);
    const next = await decider(alive);
    tookMs.push((next.lines().find(({ decides }) => decides === true)?.atMs ?? Number.NaN) - killedAtMs);
    const another = await startReplicaProcess(onTestFinished, topic, `later ${i}`);
    processes.push(another);
    alive.push(another);
  }
  for (const took of tookMs) expect(took).toBeLessThan(8000);
  await atOne(alive);
  expect(contradictions(processes)).toEqual([]);
});
