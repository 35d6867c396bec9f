import { wrongCounts } from './effect-once/exactly-once.ts';
import { Fleet } from './effect-once/fleet.ts';
import { OuterClickHouse } from './effect-once/outer-clickhouse.ts';
import { PacedSender } from './effect-once/paced-sender.ts';
import { catchUp, oldestAgeMs, type Recovery, recoveryAfter, USUAL_AGE_MS } from './effect-once/recovery.ts';
import { messagesSeen, VisibleOffsets } from './effect-once/visible-offsets.ts';
import { type Figure, tellFigures } from './support/figures.ts';
import { Session, until } from './support/session.ts';
import { SPANS_PER_MESSAGE } from './workload.ts';

const TOPIC = 'recovery';
const PARTITIONS = 8;
const SESSION_TIMEOUT_MS = 6000;
/** Beyond the session timeout. */
const RECOVERY_LIMIT_MS = 5000;
const CATCH_UP_FACTOR = 3;
/** For anything to become as it was; what takes longer is a failure of its own. */
const PATIENCE_MS = 600_000;
const SETTLE_MS = 20_000;
/** Of 3 s. */
const LOOKS_OF_ROUND = 12;
const IN_FLIGHT_BYTES = 64 << 20;

/**
 * Of one process: Node with its libraries, the fetches, two blocks' worth of encoded inserts and the batches that
 * are kept for the next blocks, besides twice the bytes in flight (their arenas are made for whole blocks).
 */
const BASE_MIB = 400;
const RSS_LIMIT_MIB = BASE_MIB + (2 * IN_FLIGHT_BYTES) / 1024 ** 2;

const PLANS = {
  tiny: { kills: 1, frozenMs: 4000, killedMs: 4000, rate: 1000, steadyMs: 2000 },
  full: { kills: 6, frozenMs: 300_000, killedMs: 60_000, rate: undefined, steadyMs: 5000 },
} as const;

/**
 * Kills one of two processes under load, then freezes ClickHouse, then kills it: how soon is all as it was? Rejects
 * when a span is lost or double in the end.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { kills, frozenMs, killedMs, steadyMs, ...plan } = PLANS[size];
  const session = await Session.open();
  try {
    const clickhouse = await OuterClickHouse.start(session);
    const sender = await PacedSender.open(session.brokers, TOPIC, PARTITIONS);
    session.onEnd(() => sender.end());
    const fleet = await Fleet.start(session, {
      topic: TOPIC,
      clickhousePort: clickhouse.port,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      inFlightBytes: IN_FLIGHT_BYTES,
    });
    const seen = new VisibleOffsets({ port: clickhouse.port, topic: TOPIC, partitions: PARTITIONS });
    session.onEnd(() => seen.end());
    const scene = { clickhouse, sender, fleet, seen };
    const rate = plan.rate ?? Math.floor((await fullRate(scene)) / 4);
    await fleet.isShared(PARTITIONS);
    console.log(`two processes, ${PARTITIONS} partitions, ${rate} spans/s all the time`);
    sender.begin(rate);
    const told: Figure[] = [];
    const tell = (figure: Figure): void => {
      console.log(`${figure.what}: ${figure.figure}`);
      told.push(figure);
    };
    for (let i = 0; i < kills; i++) tell(await killOne(scene, { round: i, rate, steadyMs }));
    tell(await takeClickHouseAway(scene, { how: 'frozen', awayMs: frozenMs, rate }));
    tell(await takeClickHouseAway(scene, { how: 'killed', awayMs: killedMs, rate }));
    await sender.pause();
    await allSeen(scene);
    const wrong = await wrongCounts(clickhouse, sender.producedMs);
    if (wrong.length > 0) throw new Error(`not every span is in every table once:\n  ${wrong.join('\n  ')}`);
    const rssMiB = fleet.maxRssMiB;
    tell({
      what: `${sender.sentSpans} spans sent, each in every table once; RSS of a process at most`,
      figure: `${rssMiB} MiB`,
      target: `<= ${RSS_LIMIT_MIB} MiB (${BASE_MIB} + twice max_in_flight_bytes)`,
      isMet: rssMiB <= RSS_LIMIT_MIB,
    });
    return tellFigures('recovery', told);
  } finally {
    await session.end();
  }
}

interface Scene {
  readonly clickhouse: OuterClickHouse;
  readonly sender: PacedSender;
  readonly fleet: Fleet;
  readonly seen: VisibleOffsets;
}

/** Spans a second of both processes that have work waiting, in the second half of it. */
async function fullRate({ sender, seen }: Scene): Promise<number> {
  const messages = 10_000;
  await sender.sendNow(messages);
  await until(
    async () => messagesSeen(seen.latest),
    (count) => count >= messages,
  );
  const first = seen.looks.find((look) => messagesSeen(look) >= messages / 2);
  const last = seen.looks.find((look) => messagesSeen(look) >= messages);
  if (first === undefined || last === undefined || first === last) throw new Error('it was over too soon');
  const spans = (messagesSeen(last) - messagesSeen(first)) * SPANS_PER_MESSAGE;
  const perSecond = (spans / (last.atMs - first.atMs)) * 1000;
  console.log(`full rate with all parts on this machine: ${perSecond.toFixed(0)} spans/s`);
  return perSecond;
}

async function killOne(
  { sender, fleet, seen }: Scene,
  { round, rate, steadyMs }: { readonly round: number; readonly rate: number; readonly steadyMs: number },
): Promise<Figure> {
  // Not always at the same time after a heartbeat.
  await pause(steadyMs + ((round * 733) % 2000));
  const killedMs = performance.now();
  await fleet.kill(round % 2);
  const recovery = await until<Recovery>(
    async () => recoveryAfter(killedMs, { rate, looks: seen.looks, producedMs: sender.producedMs }),
    ({ movedMs, fullRateMs }) => movedMs !== undefined && fullRateMs !== undefined,
    PATIENCE_MS,
  );
  const { movedMs = 0, fullRateMs = 0 } = recovery;
  await fleet.startAgain(round % 2);
  await fleet.isShared(PARTITIONS);
  const limitMs = SESSION_TIMEOUT_MS + RECOVERY_LIMIT_MS;
  return {
    what: 'kill -9 of one of two processes: every partition moves, full rate',
    figure: `after ${seconds(movedMs)}, ${seconds(fullRateMs)}`,
    target: `<= ${seconds(limitMs)}`,
    isMet: Math.max(movedMs, fullRateMs) <= limitMs,
  };
}

async function takeClickHouseAway(
  scene: Scene,
  {
    how,
    awayMs,
    rate,
  }: { readonly how: 'frozen' | 'killed'; readonly awayMs: number; readonly rate: number },
): Promise<Figure> {
  const { clickhouse, sender, fleet, seen } = scene;
  const usualAgeMs = await usualAge(scene);
  const rebalances = await fleet.rebalances();
  if (how === 'frozen') clickhouse.freeze();
  else await clickhouse.kill();
  await pause(awayMs);
  if (how === 'frozen') clickhouse.thaw();
  else await clickhouse.startAgain();
  const backMs = performance.now();
  const { drainPerSecond, tookMs, backlogSpans } = await until(
    async () => catchUp(backMs, { looks: seen.looks, producedMs: sender.producedMs, usualAgeMs }),
    ({ tookMs: ms }) => ms !== undefined,
    PATIENCE_MS,
  );
  const newRebalances = (await fleet.rebalances()) - rebalances;
  const factor = (drainPerSecond + rate) / rate;
  return {
    what: `ClickHouse ${how} for ${awayMs / 1000} s: ${backlogSpans} spans behind, caught up after ${seconds(tookMs ?? 0)}`,
    figure: `${factor.toFixed(1)}x the live rate (${(drainPerSecond + rate).toFixed(0)} spans/s), ${newRebalances} rebalances`,
    target: `>= ${CATCH_UP_FACTOR}x, no rebalance`,
    isMet: factor >= CATCH_UP_FACTOR && newRebalances === 0,
  };
}

/** How far behind all is when nothing happens. Waits until what happened before is over, but not for ever. */
async function usualAge({ sender, seen }: Scene): Promise<number> {
  const endMs = performance.now() + SETTLE_MS;
  let age = Number.POSITIVE_INFINITY;
  while (age > USUAL_AGE_MS && performance.now() < endMs) {
    await pause(1000);
    age = Math.max(...seen.looks.slice(-LOOKS_OF_ROUND).map((look) => oldestAgeMs(look, sender.producedMs)));
  }
  if (age > USUAL_AGE_MS) console.log(`  this machine is busy: spans wait for ${seconds(age)} as it is`);
  return Math.max(USUAL_AGE_MS, 1.5 * age);
}

async function allSeen({ sender, seen }: Scene): Promise<void> {
  await until(
    async () => messagesSeen(seen.latest) * SPANS_PER_MESSAGE,
    (spans) => spans >= sender.sentSpans,
    PATIENCE_MS,
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
