import { readFileSync } from 'node:fs';
import { createClient } from '@clickhouse/client';
import { type Replica, Replicas } from './sampling-ha/replicas.ts';
import { pause, RATES, SERVICES, Traffic } from './sampling-ha/traffic.ts';
import { Watch } from './sampling-ha/watch.ts';
import { startDatabase } from './support/full-engine.ts';
import { Session, until } from './support/session.ts';
import { fillTopic } from './support/topic.ts';
import { Workload } from './workload.ts';

const SPANS_TOPIC = 'spans';
const TARGET = 5;
const SESSION_TIMEOUT_MS = 8000;
const APART_MS = 1000;
/** A step that the algorithm takes by itself now and then, on so few samples. */
const JUMP = 1.5;
const SETTLED = 0.4;
const SETTLE_WITHIN_MS = 300_000;
const BETWEEN_MS = { tiny: 4000, full: 8000 };
const KILLS = { tiny: 3, full: 20 };

interface Kill {
  /** As performance.now() has it. */
  readonly killedMs: number;
  readonly controller: string;
  readonly next: string;
  /** Until another one decided. */
  readonly replacedMs: number;
  /** Until the killed one was up again and served. */
  readonly backMs: number;
  /** What the one that took over spent its time on, as it says. */
  readonly steps: string;
}

/**
 * Three replicas under load, the controller killed again and again: versions never go back, all serve the same within
 * a second, another one decides within the session timeout, and no probability jumps.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const session = await Session.open();
  try {
    return await run(session, size);
  } finally {
    await session.end();
  }
}

async function run(session: Session, size: 'tiny' | 'full'): Promise<boolean> {
  await fillTopic(session.brokers, SPANS_TOPIC, { partitions: 6, workload: new Workload({ spans: 0 }) });
  const [httpPort, nativePort] = (await session.ports(2)) as [number, number];
  const database = await startDatabase(session, { name: 'database', httpPort, nativePort });
  session.onEnd(() => database.stop(20_000));
  const replicas = await Replicas.create(session, {
    count: 3,
    spansTopic: SPANS_TOPIC,
    clickhousePort: httpPort,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    targetPerSecond: TARGET,
  });
  for (const replica of replicas.all) await replicas.start(replica);
  const urls = replicas.all.map(({ samplingUrl }) => samplingUrl);
  const traffic = await Traffic.start(session.brokers, SPANS_TOPIC, urls);
  const watch = new Watch(replicas.all);
  watch.start();
  try {
    const settledMs = await settle(watch);
    console.log(
      `settled after ${seconds(settledMs)} s: ${SERVICES.length * Object.keys(RATES).length} operations`,
    );
    watch.steps.length = 0;
    const kills: Kill[] = [];
    for (let i = 0; i < KILLS[size]; i++) {
      kills.push(await killOne(replicas, watch));
      const { controller, next, replacedMs, backMs } = kills[i] as Kill;
      console.log(
        `kill ${i + 1}: ${controller}, replaced by ${next} after ${seconds(replacedMs)} s, back after ${seconds(backMs)} s (${kills[i]?.steps})`,
      );
      await pause(BETWEEN_MS[size]);
    }
    const isRight = report(watch, traffic, kills);
    if (!isRight) await explain(watch, kills, httpPort);
    return isRight;
  } finally {
    await watch.end();
    await traffic.end();
  }
}

/** Every operation is sampled about as often as it is wanted. */
async function settle(watch: Watch): Promise<number> {
  const beganMs = performance.now();
  const isSettled = (service: string, operation: string, perSecond: number): boolean => {
    const probability = watch.served(service, operation) ?? 0;
    const wanted = Math.min(1, TARGET / perSecond);
    return Math.abs(probability / wanted - 1) <= SETTLED;
  };
  const unsettled = (): string[] =>
    SERVICES.flatMap((service) =>
      Object.entries(RATES)
        .filter(([operation, perSecond]) => !isSettled(service, operation, perSecond))
        .map(([operation]) => `${service} ${operation} ${watch.served(service, operation)}`),
    );
  await until(
    async () => unsettled(),
    (left) => left.length === 0,
    SETTLE_WITHIN_MS,
  );
  return performance.now() - beganMs;
}

async function killOne(replicas: Replicas, watch: Watch): Promise<Kill> {
  const controllerNow = (): Promise<Replica | undefined> => replicas.controller();
  const controller = (await until(controllerNow, (found) => found !== undefined, 30_000, 20)) as Replica;
  const killedMs = performance.now();
  watch.gone(controller);
  await replicas.kill(controller);
  watch.gone(controller);
  const next = (await until(controllerNow, (found) => found !== undefined, 60_000, 20)) as Replica;
  const replacedMs = performance.now() - killedMs;
  await replicas.start(controller);
  const backMs = performance.now() - killedMs;
  return { killedMs, controller: controller.name, next: next.name, replacedMs, backMs, steps: stepsOf(next) };
}

function stepsOf({ child }: Replica): string {
  const lines = child === undefined ? [] : readFileSync(child.logFile, 'utf8').split('\n');
  const line = lines.findLast((one) => one.includes('decides for all now')) ?? '';
  return [...line.matchAll(/(writer|read|restore)Ms\W+(\d+)/g)]
    .map(([, what, ms]) => `${what} ${ms} ms`)
    .join(', ');
}

function report(watch: Watch, traffic: Traffic, kills: readonly Kill[]): boolean {
  const replaced = kills.map(({ replacedMs }) => replacedMs).sort((a, b) => a - b);
  const worstReplaced = replaced.at(-1) ?? Number.NaN;
  const spreads = [...watch.spreadsMs].sort((a, b) => a - b);
  const worstSpread = spreads.at(-1) ?? Number.NaN;
  const overdue = watch.overdue(APART_MS);
  const [largest] = [...watch.steps].sort((a, b) => b.factor - a.factor);
  const rows: (readonly [string, string, string, boolean])[] = [
    ['kills of the controller', String(kills.length), '', true],
    ['versions served', String(watch.versions), '> 1', watch.versions > 1],
    ['versions that went back', String(watch.backwards.length), '0', watch.backwards.length === 0],
    [
      'another one decides after, median / worst',
      `${seconds(middle(replaced))} / ${seconds(worstReplaced)} s`,
      `<= ${seconds(SESSION_TIMEOUT_MS)} s`,
      worstReplaced <= SESSION_TIMEOUT_MS,
    ],
    [
      'replicas apart, median / worst',
      `${seconds(middle(spreads))} / ${seconds(worstSpread)} s`,
      `<= ${seconds(APART_MS)} s`,
      spreads.length > 0 && worstSpread <= APART_MS && overdue.length === 0,
    ],
    [
      'largest step of a probability',
      largest === undefined ? 'none' : `x${largest.factor.toFixed(2)} of ${watch.steps.length}`,
      `<= x${JUMP}`,
      (largest?.factor ?? 1) <= JUMP,
    ],
    ['requests, sampled', `${traffic.requests}, ${traffic.sampled}`, '', traffic.sampled > 0],
    ['looks at replies', String(watch.looks), '', watch.looks > 0],
  ];
  for (const [what, value, limit, isRight] of rows) {
    console.log(`${what.padEnd(44)} ${value.padEnd(22)} ${limit.padEnd(10)} ${isRight ? '' : 'WRONG'}`);
  }
  for (const line of [...watch.backwards, ...overdue]) console.log(`WRONG: ${line}`);
  return rows.every(([, , , isRight]) => isRight);
}

/** What the largest steps were, when, and what the controllers thought of the operation that made the largest one. */
async function explain(watch: Watch, kills: readonly Kill[], clickhousePort: number): Promise<void> {
  const largest = [...watch.steps].sort((a, b) => b.factor - a.factor).slice(0, 5);
  for (const { atMs, service, operation, factor, from, to } of largest) {
    const last = kills.findLastIndex(({ killedMs }) => killedMs < atMs);
    const since =
      last < 0 ? '' : `, ${seconds(atMs - (kills[last]?.killedMs ?? 0))} s after kill ${last + 1}`;
    console.log(`step x${factor.toFixed(2)}: ${service} ${operation} ${from} -> ${to}${since}`);
  }
  const [worst] = largest;
  if (worst === undefined) return;
  const client = createClient({ url: `http://127.0.0.1:${clickhousePort}`, database: 'spanweir' });
  const answer = await client.query({
    query: `SELECT formatDateTime(Ts, '%T') AS ts, Version AS v, Probability AS p, Rule AS rule, Rate AS rate,
        RateLow AS low, RateHigh AS high, Samples AS samples, OverS AS overS, GateLow AS gateLow, GateHigh AS gateHigh,
        Conformance AS conformance, formatDateTime(DataUntil, '%T') AS until, Instance AS by
      FROM sampling_probabilities WHERE ServiceName = {service: String} AND Operation = {operation: String}
      ORDER BY Ts DESC LIMIT 12`,
    query_params: { service: worst.service, operation: worst.operation },
    format: 'JSONEachRow',
  });
  for (const row of await answer.json()) console.log(JSON.stringify(row));
  await client.close();
}

function middle(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}
