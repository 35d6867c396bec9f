import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAILPOINTS } from '../../src/base/failpoints.ts';
import { encodeProto } from '../../test/support/spans.ts';
import { makeNextRevision } from './builds.ts';
import type { Dice } from './dice.ts';
import { pause, type World } from './world.ts';

export interface FaultSizes {
  /** A process sleeps so long, beyond its session. */
  readonly sleepMs: number;
  /** Members that join and leave. */
  readonly joins: number;
  /** Swaps of one build for another. */
  readonly swaps: number;
  /** ClickHouse is slow, away, or loses answers so long. */
  readonly troubleMs: number;
}

export interface Fault {
  readonly name: string;
  /** Resolves with what was done, when everything is in order again. */
  readonly strike: (world: World, dice: Dice, sizes: FaultSizes) => Promise<string>;
}

/** The processes that are always there; a third one comes and goes. */
export const NAMES = ['a', 'b'] as const;
const DAYS = 120;
const DAY_NS = 86_400_000_000_000n;
const FAKETIME = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
].find((file) => existsSync(file));

export const FAULTS: readonly Fault[] = [
  ...FAILPOINTS.map((name): Fault => ({ name: `killed at ${name}`, strike: dieAt(name) })),
  { name: 'sleep', strike: sleepBeyondSession },
  { name: 'joins and leaves', strike: joinAndLeave },
  { name: 'two builds', strike: swapBuilds },
  { name: 'broker killed', strike: killBroker },
  { name: 'ClickHouse killed', strike: killClickHouse },
  { name: 'ClickHouse slow', strike: slowClickHouse },
  { name: 'ClickHouse away', strike: clickHouseAway },
  { name: 'answers lost', strike: loseAnswers },
  { name: 'poison', strike: poison },
  { name: `a block over ${DAYS} days`, strike: manyDays },
  { name: 'clock steps', strike: stepClock },
];

function dieAt(name: string): Fault['strike'] {
  return async (world, dice) => {
    const victim = dice.pick(NAMES);
    const nth = 1 + dice.index(12);
    await world.fleet.kill(victim);
    await world.fleet.start(victim, { SPANWEIR_TEST_FAULT: `failpoint:${name}:${nth}` });
    const died = await Promise.race([
      world.fleet.ended(victim).then(() => true),
      pause(40_000).then(() => false),
    ]);
    if (!died) await world.fleet.kill(victim);
    await world.fleet.start(victim);
    await world.fleet.ready(victim);
    if (!died) throw new Error(`${victim} did not pass ${name} ${nth} times in 40 s`);
    return `${victim} died when it passed for the ${nth}th time`;
  };
}

async function sleepBeyondSession(world: World, dice: Dice, { sleepMs }: FaultSizes): Promise<string> {
  const sleeper = dice.pick(NAMES);
  world.fleet.signal(sleeper, 'SIGSTOP');
  await pause(sleepMs);
  world.fleet.signal(sleeper, 'SIGCONT');
  await world.stable(20_000, 1000);
  return `${sleeper} slept for ${sleepMs / 1000} s while the other worked`;
}

async function joinAndLeave(world: World, dice: Dice, { joins }: FaultSizes): Promise<string> {
  for (let i = 0; i < joins; i++) {
    await world.fleet.start('c');
    await world.fleet.ready('c');
    await pause(dice.between(0, 1500));
    if (dice.roll() < 0.3) await world.fleet.kill('c');
    else await world.fleet.stop('c');
  }
  return `${joins} times`;
}

async function swapBuilds(world: World, dice: Dice, { swaps }: FaultSizes): Promise<string> {
  const here = world.fleet.build;
  const next = makeNextRevision(world.parts.build, join(world.parts.dir, `next-${world.topic}`));
  for (let i = 0; i < swaps; i++) {
    const victim = dice.pick(NAMES);
    await pause(dice.between(500, 2500));
    if (dice.roll() < 0.5) await world.fleet.kill(victim);
    else await world.fleet.stop(victim);
    world.fleet.build = world.fleet.build === here ? next : here;
    await world.fleet.start(victim);
    await world.fleet.ready(victim);
  }
  world.fleet.build = here;
  return `${swaps} swaps`;
}

async function killBroker(world: World): Promise<string> {
  await world.parts.killBroker();
  await world.stable(60_000, 1000);
  return 'and started again';
}

async function killClickHouse(world: World, dice: Dice): Promise<string> {
  for (let i = 0; i < 3; i++) {
    await pause(dice.between(300, 3000));
    await world.database.kill();
  }
  return '3 times';
}

async function slowClickHouse(world: World, dice: Dice, { troubleMs }: FaultSizes): Promise<string> {
  const delayMs = Math.round(dice.between(300, 1500));
  world.proxy.mode = { kind: 'slow', delayMs };
  await pause(troubleMs);
  world.proxy.mode = { kind: 'pass' };
  return `${delayMs} ms each way for ${troubleMs / 1000} s`;
}

async function clickHouseAway(world: World, _dice: Dice, { troubleMs }: FaultSizes): Promise<string> {
  world.proxy.cut();
  await pause(troubleMs);
  world.proxy.mode = { kind: 'pass' };
  return `for ${troubleMs / 1000} s`;
}

async function loseAnswers(world: World, dice: Dice, { troubleMs }: FaultSizes): Promise<string> {
  const before = world.proxy.lostAnswers;
  world.proxy.mode = { kind: 'lose_answers', every: 2 + dice.index(3) };
  await pause(troubleMs);
  world.proxy.mode = { kind: 'pass' };
  return `${world.proxy.lostAnswers - before} of them`;
}

/** Beside spans; how each kind is put aside is looked at elsewhere, here its neighbours must not suffer. */
async function poison(world: World, dice: Dice): Promise<string> {
  const good = encodeProto([{ service: 'poison', spans: [] }]);
  const kinds: readonly (Buffer | null)[] = [
    null,
    Buffer.alloc(0),
    Buffer.from('{"not": "protobuf"}'),
    Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    Buffer.concat([good, Buffer.from([0x0a, 0x40, 0x12])]),
    Buffer.alloc(400_000, 0xff),
  ];
  for (let i = 0; i < 30; i++) {
    const partition = dice.index(world.ledger.partitions);
    world.producer.inject({ partition, value: dice.pick(kinds), isPoison: true });
    await pause(100);
  }
  return '30 records of 6 kinds';
}

async function manyDays(world: World): Promise<string> {
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const spans = Array.from({ length: DAYS }, (_, day) => ({
    traceId: (0xda000000 + day).toString(16).padStart(32, '0'),
    spanId: (0xda000000 + day).toString(16).padStart(16, '0'),
    name: 'old',
    startNs: nowNs - BigInt(day) * DAY_NS,
    endNs: nowNs - BigInt(day) * DAY_NS + 1_000_000n,
    attributes: { 'sampler.type': 'probabilistic', 'sampler.param': 1 },
  }));
  world.producer.inject({ partition: 0, value: encodeProto([{ service: 'archive', spans }]) });
  await pause(5000);
  return `${DAYS} spans, one a day`;
}

/** Wall clock only: what follows it must not be rows. The monotonic clock of no machine steps. */
async function stepClock(world: World, dice: Dice): Promise<string> {
  if (FAKETIME === undefined) return 'left out: no libfaketime (Debian: faketime)';
  const file = join(world.parts.dir, 'clock');
  writeFileSync(file, '+0');
  const env = {
    LD_PRELOAD: FAKETIME,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  for (const name of NAMES) {
    await world.fleet.stop(name);
    await world.fleet.start(name, env);
    await world.fleet.ready(name);
  }
  for (const step of ['+2h', '-3h', '+400d', '+0']) {
    await pause(2000);
    writeFileSync(file, step);
    if (dice.roll() < 0.5) {
      const victim = dice.pick(NAMES);
      await world.fleet.kill(victim);
      await world.fleet.start(victim, env);
    }
  }
  for (const name of NAMES) {
    await world.fleet.kill(name);
    await world.fleet.start(name);
    await world.fleet.ready(name);
  }
  return 'two hours on, three back, 400 days on, and home, with kills between';
}
