import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from '../../scripts/parts/kafka.mjs';
import { freePorts } from '../../scripts/parts/ports.mjs';

type Broker = Awaited<ReturnType<typeof startKafka>>;

let shared: Broker | undefined;

/**
 * One broker for all sessions that are opened until what this resolves with is called: to start one costs as much as
 * a small bench. Those that measure have
 * each their own. Topics and groups bear the name of their bench, so that they don't meet there.
 */
export async function shareBroker(): Promise<() => Promise<void>> {
  const dir = newFolder();
  const broker = await startKafka({ dir });
  shared = broker;
  return async () => {
    shared = undefined;
    await broker.stop();
    rmSync(dir, { recursive: true, force: true });
  };
}

/** A folder, a broker, and everything that was started in it; ended together. */
export class Session {
  readonly dir: string;
  readonly brokers: readonly string[];
  readonly brokerPid: number;
  readonly #endings: (() => Promise<unknown>)[] = [];

  private constructor(dir: string, { brokers, child }: Broker) {
    this.dir = dir;
    this.brokers = brokers;
    this.brokerPid = child.pid;
  }

  static async open(): Promise<Session> {
    const dir = newFolder();
    const kafka = shared ?? (await startKafka({ dir: join(dir, 'kafka') }));
    const session = new Session(dir, kafka);
    if (kafka !== shared) session.onEnd(() => kafka.stop());
    return session;
  }

  /** Called last first. */
  onEnd(end: () => Promise<unknown>): void {
    this.#endings.unshift(end);
  }

  async end(): Promise<void> {
    for (const end of this.#endings) await end();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async ports<N extends number>(count: N): Promise<number[]> {
    return await freePorts(count);
  }
}

function newFolder(): string {
  // Where memory is a file system, the disk's moods stay out of the figures.
  return mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-bench-'));
}

/** Polls until `done` says so; rejects after the deadline with what was last seen. */
export async function until<T>(
  look: () => Promise<T>,
  done: (seen: T) => boolean,
  deadlineMs = 300_000,
  everyMs = 200,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const seen = await look().catch((error: unknown) => error as Error);
    if (!(seen instanceof Error) && done(seen)) return seen;
    if (performance.now() > endMs)
      throw new Error(`not reached in ${deadlineMs} ms; last seen: ${String(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
