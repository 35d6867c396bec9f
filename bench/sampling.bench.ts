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
const SLACK_MS = 5000;
const LOOK_MS = 50;

interface Times extends LoopTimes {
  /** How long it may take until the probability is near what the traffic asks for, after a step up and a step down. */
  readonly loweredMs: number;
  readonly raisedMs: number;
}

/** The defaults (the SDK for JavaScript has none for its polls; a minute is usual), and shorter ones. */
const TIMES: Readonly<Record<'tiny' | 'full', Times>> = {
  tiny: {
    intervalMs: 1000,
    delayMs: 4000,
    windowMs: 1000,
    pollMs: 2000,
    loweredMs: 30_000,
    raisedMs: 60_000,
  },
  full: {
    intervalMs: 5000,
    delayMs: 10_000,
    windowMs: 5000,
    pollMs: 60_000,
    loweredMs: 120_000,
    raisedMs: 240_000,
  },
};

/**
 * The loop closed by a real SDK that says nothing of its sampler: decisions follow the served probability, a step of
 * traffic moves it to where the target is met, in a time that is told, and a restart goes on from what was stored.
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
  readonly #times: Times;
  readonly #service: SampledService;
  readonly #shares: Share[] = [];
  readonly #wrong: string[] = [];

  constructor(engine: SamplingEngine, times: Times) {
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
    const { intervalMs, delayMs, windowMs, pollMs, loweredMs, raisedMs } = this.#times;
    console.log(
      `calculation_interval ${intervalMs / 1000} s, delay ${delayMs / 1000} s, window ${windowMs / 1000} s, ` +
        `poll ${pollMs / 1000} s; ${PER_SECOND} traces/s, target ${TARGET}/s, no tags`,
    );
    await this.#engine.start();
    this.#service.setRate(PER_SECOND, Date.now());
    // Two polls tell how often the SDK asks, and the operation is known by then.
    await this.#until(Date.now() + delayMs + 4 * intervalMs + 3 * pollMs);
    const steady = await this.#served();
    console.log(`${steady} before the step`);
    this.#expect(isNear(steady, INITIAL), `not within ${TOLERANCE} of ${INITIAL} before the step`);

    const upMs = Date.now() + LOOK_MS;
    this.#service.setRate(PER_SECOND * STEP, upMs);
    const tenth = TARGET / (PER_SECOND * STEP);
    const lowered = await this.#near(tenth, upMs + loweredMs + SLACK_MS);
    const tookMs = lowered.atMs - upMs;
    console.log(
      `x${STEP}: ${lowered.probability} after ${seconds(tookMs)} s (at most ${seconds(loweredMs)})`,
    );
    this.#expect(tookMs >= delayMs, 'lowered before any data could have arrived');
    const inForceMs = await this.#inForce(tenth, lowered.atMs + pollMs + SLACK_MS);
    console.log(
      `  the SDK samples by it ${seconds(inForceMs - upMs)} s after the step (poll ${pollMs / 1000} s)`,
    );
    await this.#until(inForceMs + 4 * intervalMs);

    const downMs = Date.now() + LOOK_MS;
    this.#service.setRate(PER_SECOND, downMs);
    const raised = await this.#near(INITIAL, downMs + raisedMs + SLACK_MS);
    console.log(
      `back: ${raised.probability} after ${seconds(raised.atMs - downMs)} s (at most ${seconds(raisedMs)})`,
    );
    await this.#inForce(INITIAL, raised.atMs + pollMs + SLACK_MS);
    await this.#restart();
    return await this.#report();
  }

  async end(): Promise<void> {
    await this.#service.end();
    await this.#engine.stop();
  }

  async #restart(): Promise<void> {
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
    const rounds = await this.#engine.query<Record<'ts' | 'p' | 'rate' | 'low' | 'high' | 'rule', string>>(
      `SELECT formatDateTime(Ts, '%T') AS ts, Probability AS p, round(Rate) AS rate, round(RateLow) AS low,
              round(RateHigh) AS high, Rule AS rule
       FROM sampling_probabilities WHERE Operation = '${OPERATION}' ORDER BY sampling_probabilities.Ts`,
    );
    for (const { ts, p, rate, low, high, rule } of rounds) {
      console.log(`  ${ts} ${p} (${rate} requests/s, ${low} to ${high}; ${rule})`);
    }
    this.#expect(rounds.length > 0, 'no decision was stored');
    for (const line of this.#wrong) console.log(`WRONG: ${line}`);
    return this.#wrong.length === 0;
  }

  #expect(isRight: boolean, otherwise: string): void {
    if (!isRight) this.#wrong.push(otherwise);
  }

  /** When a probability near the wanted one is served. */
  async #near(wanted: number, deadlineMs: number): Promise<Change> {
    for (;;) {
      const probability = await this.#served();
      if (isNear(probability, wanted)) return { probability, atMs: Date.now() };
      if (Date.now() > deadlineMs) throw new Error(`${probability} is still served, not about ${wanted}`);
      await this.#look(LOOK_MS);
    }
  }

  async #inForce(wanted: number, deadlineMs: number): Promise<number> {
    while (!isNear(this.#service.probability ?? Number.NaN, wanted)) {
      if (Date.now() > deadlineMs) throw new Error(`the SDK has not got about ${wanted}`);
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

function isNear(probability: number, wanted: number): boolean {
  return Math.abs(probability / wanted - 1) <= TOLERANCE;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
