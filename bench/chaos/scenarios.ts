import { rmSync } from 'node:fs';
import { BLOCK_TABLES } from '../../src/clickhouse/block-parts.ts';
import { makeNextRevision } from './builds.ts';
import type { Dice } from './dice.ts';
import type { FleetSettings } from './fleet.ts';
import { pause, type World } from './world.ts';

/** A schedule that shows whether one rule of the protocol is kept; without a broken rule nothing may be wrong after it. */
export interface Scenario {
  readonly what: string;
  readonly partitions?: number;
  readonly spansPerSecond?: number;
  readonly settings?: FleetSettings;
  /** A second process works beside the first one. */
  readonly isShared?: boolean;
  /** Called when the processes work, each with two workers; they and ClickHouse must be in order when it resolves. */
  readonly play: (world: World, dice: Dice) => Promise<void>;
}

/** So that a killed member's partitions are given away soon. */
export const QUICK_SESSION = { session_timeout: '4s', heartbeat_interval: '1s' };
const DATA_TABLES = BLOCK_TABLES.filter((table) => table !== 'ingest_log');

export const SCENARIOS = {
  killed_mid_block: {
    what: 'killed three times while answers of ClickHouse are slow',
    play: async (world, dice) => {
      world.proxy.mode = { kind: 'slow', delayMs: 150 };
      for (let i = 0; i < 3; i++) {
        await world.stable(10_000);
        await pause(dice.between(800, 2500));
        const names = await killAll(world);
        await startAll(world, names);
      }
      world.proxy.mode = { kind: 'pass' };
    },
  },
  revision_changed: {
    what: 'killed mid-block, and started again as a release that makes other rows',
    play: async (world, dice) => {
      const here = world.parts.build;
      const next = makeNextRevision(here, `${world.parts.dir}/next-${world.topic}`);
      world.proxy.mode = { kind: 'slow', delayMs: 150 };
      for (const build of [next, here, next]) {
        await world.stable(10_000);
        await pause(dice.between(800, 2500));
        const names = await killAll(world);
        world.fleet.build = build;
        await startAll(world, names);
      }
      world.proxy.mode = { kind: 'pass' };
    },
  },
  killed_without_clickhouse: {
    what: 'killed while ClickHouse could not be reached',
    play: async (world) => {
      for (let i = 0; i < 2; i++) {
        await world.stable(10_000);
        world.proxy.cut();
        await pause(3500);
        const names = await killAll(world);
        world.proxy.mode = { kind: 'pass' };
        await startAll(world, names);
      }
    },
  },
  small_blocks: {
    what: 'many blocks whose first records have the same timestamp',
    partitions: 2,
    spansPerSecond: 6000,
    settings: { block: { max_spans: 100 } },
    play: async () => await pause(4000),
  },
  joined_while_writing: {
    isShared: true,
    what: 'a member joins while inserts hang; their answers come when it is ahead, and all are killed',
    play: async (world) => {
      for (let i = 0; i < 2; i++) {
        await world.fleet.kill('b');
        await world.stable(10_000, 1500);
        world.proxy.hold('open');
        await pause(1500);
        await world.fleet.start('b');
        await world.fleet.ready('b');
        await world.stable(15_000, 4000);
        // From here on what both have begun is in the tables, and not in the log.
        world.proxy.hold('inserts');
        await pause(1500);
        world.proxy.releaseOpen();
        await pause(1500);
        const names = await killAll(world);
        world.proxy.release();
        await startAll(world, names);
      }
    },
  },
  woken_late: {
    isShared: true,
    what: 'a process sleeps with blocks that it could not insert, until the windows have forgotten them, and wakes',
    play: async (world) => {
      // Blocks that are formed again are looked up in the log first: it takes new ones.
      await world.stable(30_000, 4000);
      world.proxy.cut();
      await pause(3000);
      world.fleet.signal('a', 'SIGSTOP');
      world.proxy.mode = { kind: 'pass' };
      // Its session ends, and the other one writes what was planned.
      await pause(14_000);
      for (const table of DATA_TABLES) await setWindow(world, table, 5);
      await pause(8000);
      world.fleet.signal('a', 'SIGCONT');
      await pause(4000);
      for (const table of DATA_TABLES) await setWindow(world, table, 1000);
    },
  },
  part_lost_in_crash: {
    what: 'ClickHouse killed between noting a token and putting the part in place',
    play: async (world) => {
      for (const table of ['span_metrics_1m', 'otel_traces', 'span_metrics_10s']) {
        await world.stable(10_000);
        await pause(2000);
        await loseParts(world, table);
        await pause(4000);
      }
    },
  },
  slow_reforming: {
    what: 'large planned blocks are read again in small pieces by an owner with a short linger',
    partitions: 2,
    spansPerSecond: 4000,
    settings: { block: { linger: '3s' }, exporter: { block: { linger: '3s' } } },
    play: async (world) => {
      for (let i = 0; i < 2; i++) {
        await world.stable(10_000);
        world.proxy.cut();
        await pause(5000);
        const names = await killAll(world);
        world.proxy.mode = { kind: 'pass' };
        world.fleet.settings = {
          receiver: { ...QUICK_SESSION, max_fetch_size: 45_000, max_partition_fetch_size: 45_000 },
          block: { linger: '1ms' },
          exporter: { block: { linger: '1ms' } },
        };
        await startAll(world, names);
        await pause(3000);
      }
    },
  },
  plans_lost: {
    what: "only the log could be written, then killed, then the group's offsets set by hand",
    play: async (world) => {
      await pause(2000);
      world.proxy.mode = { kind: 'only', table: 'ingest_log' };
      await pause(3500);
      const names = await killAll(world);
      const endMs = performance.now() + 20_000;
      while (world.watch.state !== 'Empty' && performance.now() < endMs) await pause(100);
      await world.watch.forgetPlans();
      world.proxy.mode = { kind: 'pass' };
      await startAll(world, names);
    },
  },
  answers_lost: {
    what: 'every third answer to an insert is lost after its whole body was taken',
    play: async (world) => {
      world.proxy.mode = { kind: 'lose_answers', every: 3 };
      const endMs = performance.now() + 60_000;
      while (world.proxy.lostAnswers < 24) {
        if (performance.now() > endMs) throw new Error(`${world.proxy.lostAnswers} answers were lost`);
        await pause(200);
      }
      world.proxy.mode = { kind: 'pass' };
    },
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;

/** Resolves with the names of those that were there. */
async function killAll(world: World): Promise<string[]> {
  const { names } = world.fleet;
  await Promise.all(names.map((name) => world.fleet.kill(name)));
  return names;
}

async function startAll(world: World, names: readonly string[]): Promise<void> {
  for (const name of names) await world.fleet.start(name);
  for (const name of names) await world.fleet.ready(name);
}

export async function setWindow(world: World, table: string, parts: number): Promise<void> {
  await world.database.command(
    `ALTER TABLE ${table} MODIFY SETTING non_replicated_deduplication_window = ${parts}`,
  );
}

/**
 * What a kill between MergeTree's note of a token and the renaming of the part leaves behind: the token is known
 * and the part is not there. Only parts go whose insert nobody has been told the outcome of.
 */
async function loseParts(world: World, table: string): Promise<void> {
  const { database, proxy } = world;
  await database.command('SYSTEM STOP MERGES');
  const parts = (): Promise<{ path: string }[]> =>
    database.query(
      `SELECT path FROM system.parts WHERE database = currentDatabase() AND table = '${table}' AND active`,
    );
  proxy.hold('inserts');
  await pause(50);
  const before = new Set((await parts()).map(({ path }) => path));
  const fresh = async (): Promise<{ path: string }[]> =>
    (await parts()).filter(({ path }) => !before.has(path));
  const endMs = performance.now() + 30_000;
  while ((await fresh()).length === 0) {
    if (performance.now() > endMs) throw new Error(`nothing was inserted into ${table}`);
    await pause(200);
  }
  await pause(500);
  const lost = await fresh();
  await database.kill(() => {
    proxy.cut();
    for (const { path } of lost) rmSync(path, { recursive: true });
  });
  proxy.release();
}
