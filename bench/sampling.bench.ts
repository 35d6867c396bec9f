import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SampledService, type Share, sigmasOff } from './support/sampled-service.ts';
import { type LoopTimes, SamplingEngine } from './support/sampling-engine.ts';

const SERVICE = 'shop';
const OPERATION = 'GET /';
const PER_SECOND = 100;
const STEP = 10;
const TARGET = 40;
/** What the algorithm would come to without the step, so that the bench need not wait for it. */
const INITIAL = TARGET / PER_SECOND;
const TOLERANCE = 0.3;
const DECISIONS = 20_000;
const SIGMAS = 4;
/** For reading, deciding and writing a round, on a machine that does something else too. */
const SLACK_MS = 3000;
const LOOK_MS = 50;

/** Those of the issue, and the defaults (the SDK for JavaScript has none for its polls; a minute is usual). */
const TIMES: Readonly<Record<'tiny' | 'full', LoopTimes>> = {
  tiny: { intervalMs: 5000, delayMs: 10_000, windowMs: 1000, pollMs: 2000 },
  full: { intervalMs: 60_000, delayMs: 120_000, windowMs: 5000, pollMs: 60_000 },
};

/**
 * The loop closed by a real SDK: decisions follow the served probability, a step of traffic moves it in the
 * direction and within the time that the algorithm gives, and a restart goes on from what was stored.
 *
 * The time, for a step at the edge of a bucket: spans of the first whole bucket are read `delay` after its
 * end, to a grid of windows: between interval + delay and interval + delay + window after the step. The
 * SDK asks within a poll after that. Raising takes two of these rounds: a bucket in which the old and
 * the lowered probability mix comes first and lowers it once more, and until spans with that value are read
 * Jaeger's algorithm changes nothing.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-bench-'));
  const times = TIMES[size];
  const engine = await SamplingEngine.create({
    dir,
    times,
    targetPerSecond: TARGET,
    initialProbability: INITIAL,
  });
  const loop = new Loop(engine, times);
  try {
    return await loop.run();
  } finally {
    await loop.end();
    rmSync(dir, { recursive: true, force: true });
  }
}

class Loop {
  readonly #engine: SamplingEngine;
  readonly #times: LoopTimes;
  readonly #service: SampledService;
  readonly #shares: Share[] = [];
  readonly #wrong: string[] = [];

  constructor(engine: SamplingEngine, times: LoopTimes) {
    this.#engine = engine;
    this.#times = times;
    this.#service = new SampledService({
      endpoint: engine.otlpUrl,
      sampling: engine.samplingUrl,
      service: SERVICE,
      operation: OPERATION,
      pollMs: times.pollMs,
      initialProbability: INITIAL,
    });
  }

  async run(): Promise<boolean> {
    const { intervalMs, delayMs, windowMs, pollMs } = this.#times;
    const roundMs = intervalMs + delayMs + windowMs;
    console.log(
      `calculation_interval ${intervalMs / 1000} s, delay ${delayMs / 1000} s, window ${windowMs / 1000} s, ` +
        `poll ${pollMs / 1000} s; ${PER_SECOND} traces/s, target ${TARGET}/s`,
    );
    await this.#engine.start();
    const beginMs = await this.#firstEdge();
    this.#service.setRate(PER_SECOND, beginMs);
    await this.#until(beginMs + intervalMs);
    const upMs = beginMs + 2 * intervalMs;
    this.#service.setRate(PER_SECOND * STEP, upMs);
    await this.#until(upMs);
    const before = await this.#served();
    const lowered = await this.#change(before, upMs + roundMs + SLACK_MS);
    this.#judge(`${before} before the step x${STEP}, then`, lowered, upMs, delayMs, roundMs + SLACK_MS);
    const tenth = TARGET / (PER_SECOND * STEP);
    this.#expect(
      Math.abs(lowered.probability / tenth - 1) <= TOLERANCE,
      `the first lower probability is not within ${TOLERANCE} of ${tenth}`,
    );
    const inForceMs = await this.#inForce(lowered.probability, lowered.atMs + pollMs + SLACK_MS);
    console.log(
      `  the SDK samples by it ${seconds(inForceMs - upMs)} s after the step (poll ${pollMs / 1000} s)`,
    );

    const downMs = edgeAfter(Date.now() + LOOK_MS, beginMs, intervalMs);
    this.#service.setRate(PER_SECOND, downMs);
    await this.#until(downMs);
    let last = await this.#served();
    const riseMs = 2 * roundMs + pollMs + SLACK_MS;
    for (;;) {
      const next = await this.#change(last, downMs + riseMs);
      if (next.probability > last) {
        this.#judge(`${last} after the step back, then`, next, downMs, delayMs, riseMs);
        this.#expect(
          next.probability <= last * 2 * (1 + 1e-9),
          'raised by more than a doubling in one round',
        );
        await this.#inForce(next.probability, next.atMs + pollMs + SLACK_MS);
        break;
      }
      console.log(`  ${next.probability} after ${seconds(next.atMs - downMs)} s`);
      last = next.probability;
    }
    await this.#restart();
    return await this.#report();
  }

  async end(): Promise<void> {
    await this.#service.end();
    await this.#engine.stop();
  }

  /** When the next bucket begins: the first round that has something to decide on tells where they do. */
  async #firstEdge(): Promise<number> {
    const { intervalMs } = this.#times;
    await this.#engine.seed();
    const deadlineMs = Date.now() + 2 * intervalMs + SLACK_MS;
    for (;;) {
      const [edge] = await this.#engine.query<{ ms: string }>(
        'SELECT toUnixTimestamp64Milli(max(DataUntil)) AS ms FROM sampling_probabilities HAVING count() > 0',
      );
      if (edge !== undefined) return edgeAfter(Date.now() + LOOK_MS, Number(edge.ms), intervalMs);
      if (Date.now() > deadlineMs) throw new Error('no round has decided on the seed span');
      await pause(LOOK_MS);
    }
  }

  /** Right after a round, so that none falls into the stop. */
  async #restart(): Promise<void> {
    const rounds = async (): Promise<number> => {
      const [row] = await this.#engine.query<{ rounds: string }>(
        'SELECT uniqExact(Ts) AS rounds FROM sampling_probabilities',
      );
      return Number(row?.rounds);
    };
    const soFar = await rounds();
    while ((await rounds()) === soFar) await pause(LOOK_MS);
    const before = await this.#served();
    const code = await this.#engine.stop();
    await this.#engine.start();
    const after = await this.#served();
    console.log(`restarted (exit code ${code}): ${before} served before, ${after} after`);
    this.#expect(code === 0 && before === after, 'the restart did not go on from what was stored');
  }

  async #report(): Promise<boolean> {
    for (const share of this.#shares) {
      const { probability, decisions, sampled } = share;
      const sigmas = sigmasOff(share);
      console.log(
        `  p = ${probability}: ${sampled} of ${decisions} sampled = ${sampled / decisions}, ${sigmas.toFixed(2)} sigma off`,
      );
      this.#expect(sigmas <= SIGMAS, `the share for ${probability} is more than ${SIGMAS} sigma off`);
    }
    this.#expect(this.#shares.length >= 3, 'fewer than 3 probabilities were served');
    const rounds = await this.#engine.query<Record<'ts' | 'p' | 'qps' | 'reason', string>>(
      `SELECT formatDateTime(Ts, '%T') AS ts, Probability AS p, Qps AS qps, Reason AS reason
       FROM sampling_probabilities WHERE Operation = '${OPERATION}' ORDER BY Ts`,
    );
    for (const { ts, p, qps, reason } of rounds) console.log(`  ${ts} ${p} (${qps} sampled/s, ${reason})`);
    for (const line of this.#wrong) console.log(`WRONG: ${line}`);
    return this.#wrong.length === 0;
  }

  #judge(what: string, change: Change, stepMs: number, leastMs: number, mostMs: number): void {
    const tookMs = change.atMs - stepMs;
    console.log(
      `${what} ${change.probability} after ${seconds(tookMs)} s (not before ${seconds(leastMs)}, at most ${seconds(mostMs)})`,
    );
    this.#expect(tookMs >= leastMs, 'changed before any data could have arrived');
    this.#expect(tookMs <= mostMs, 'changed too late');
  }

  #expect(isRight: boolean, otherwise: string): void {
    if (!isRight) this.#wrong.push(otherwise);
  }

  /** The next served probability that differs. */
  async #change(from: number, deadlineMs: number): Promise<Change> {
    for (;;) {
      const probability = await this.#served();
      if (probability !== from) return { probability, atMs: Date.now() };
      if (Date.now() > deadlineMs) throw new Error(`${from} is still served`);
      await this.#look(LOOK_MS);
    }
  }

  async #inForce(probability: number, deadlineMs: number): Promise<number> {
    while (this.#service.probability !== probability) {
      if (Date.now() > deadlineMs) throw new Error(`the SDK has not got ${probability}`);
      await this.#look(LOOK_MS);
    }
    this.#decide();
    return Date.now();
  }

  async #until(timeMs: number): Promise<void> {
    while (Date.now() < timeMs) await this.#look(Math.min(LOOK_MS, timeMs - Date.now()));
  }

  async #look(ms: number): Promise<void> {
    await pause(ms);
    this.#decide();
  }

  /** Judges every probability that the SDK has got, once. */
  #decide(): void {
    const { probability } = this.#service;
    const isNew =
      probability !== undefined && !this.#shares.some((share) => share.probability === probability);
    if (isNew) this.#shares.push(this.#service.decide(DECISIONS));
  }

  #served(): Promise<number> {
    return this.#engine.served(SERVICE, OPERATION);
  }
}

interface Change {
  readonly probability: number;
  /** Unix ms at which it was first seen. */
  readonly atMs: number;
}

/** The first edge of a bucket after a time, given another one. */
function edgeAfter(afterMs: number, edgeMs: number, intervalMs: number): number {
  return edgeMs + Math.ceil((afterMs - edgeMs) / intervalMs) * intervalMs;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
