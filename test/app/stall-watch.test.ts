import { expect, test } from 'vitest';
import { StallWatch, type StallWatchDeps } from '../../src/app/stall-watch.ts';
import type { HealthStatus } from '../../src/base/instruments.ts';
import type { LaneReceiver, Stall } from '../../src/flow/lane.ts';

const partition = { clusterId: 'c', topic: 't', partition: 3 };

/** A watch with a watchdog of 30 s over one receiver and one exporter that can be asked. */
function watched() {
  const told: string[] = [];
  const stuck: string[] = [];
  const at = {
    nowMs: 0,
    stall: undefined as Stall | undefined,
    exporter: 'ok' as HealthStatus,
    answers: true,
  };
  const quiet = (): void => undefined;
  const deps: StallWatchDeps = {
    clock: { wallMs: () => at.nowMs, monotonicMs: () => at.nowMs, sleep: async () => undefined },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    health: { report: (status, reason = '') => void told.push(`${status} ${reason}`.trim()) },
    watchdogMs: 30_000,
    statusOf: (key) => (key === 'exporter:clickhouse' ? at.exporter : undefined),
    onStuck: (why) => void stuck.push(why),
  };
  const receiver: LaneReceiver = {
    id: 'kafka',
    start: async () => undefined,
    stop: async () => undefined,
    quiesce: quiet,
    stalled: () => at.stall,
  };
  const stored = async () => {
    if (!at.answers) throw new Error('no answer');
    return [];
  };
  const watch = new StallWatch([{ receiver, sinks: [{ id: 'clickhouse', stored }] }], deps);
  const look = async (nowMs: number, allMs: number, partitionMs = allMs): Promise<void> => {
    at.nowMs = nowMs;
    at.stall = allMs === 0 && partitionMs === 0 ? undefined : { allMs, partition, partitionMs };
    await watch.look();
  };
  return { at, look, told, stuck };
}

test('a lane that moves nothing is told after the watchdog, replaced after four, and well when it moves', async () => {
  const { look, told, stuck } = watched();
  await look(100_000, 29_000);
  expect(told).toEqual([]);
  await look(101_000, 30_000);
  const reason = (seconds: number): string =>
    `kafka has moved nothing for ${seconds} s though messages wait and every exporter is well (t/3)`;
  expect(told).toEqual([`recoverable ${reason(30)}`]);
  await look(102_000, 0);
  expect(told.at(-1)).toBe('ok');
  await look(250_000, 119_000);
  expect(stuck).toEqual([]);
  await look(251_000, 120_000);
  expect(stuck).toEqual([reason(120)]);
});

test('one partition that stands still is told late, and the lane is not replaced for it', async () => {
  const { look, told, stuck } = watched();
  await look(200_000, 1000, 119_000);
  expect(told).toEqual([]);
  await look(201_000, 1000, 120_000);
  expect(told).toEqual(['recoverable kafka has not moved t/3 for 120 s though messages wait']);
  await look(900_000, 1000, 800_000);
  expect(stuck).toEqual([]);
});

test('waiting for an exporter that is not well is no stall, nor is the time right after it', async () => {
  const { at, look, told, stuck } = watched();
  at.exporter = 'recoverable';
  await look(600_000, 600_000);
  at.exporter = 'ok';
  await look(601_000, 601_000);
  await look(629_000, 629_000);
  expect(told).toEqual([]);
  await look(630_000, 630_000);
  expect(told).toHaveLength(1);
  await look(719_000, 719_000);
  expect(stuck).toEqual([]);
  await look(720_000, 720_000);
  expect(stuck).toHaveLength(1);
});

test('an exporter that seems well and does not answer is waited for', async () => {
  const { at, look, told, stuck } = watched();
  at.answers = false;
  await look(500_000, 500_000);
  expect(told).toHaveLength(1);
  at.answers = true;
  await look(529_000, 529_000);
  expect(stuck).toEqual([]);
  await look(530_000, 530_000);
  expect(stuck).toHaveLength(1);
});
