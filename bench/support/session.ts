import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from '../../scripts/parts/kafka.mjs';
import { freePorts } from '../../scripts/parts/ports.mjs';

/** A folder, a broker, and everything that was started in it; ended together. */
export class Session {
  readonly dir: string;
  readonly brokers: readonly string[];
  readonly brokerPid: number;
  readonly #endings: (() => Promise<unknown>)[] = [];

  private constructor(dir: string, kafka: Awaited<ReturnType<typeof startKafka>>) {
    this.dir = dir;
    this.brokers = kafka.brokers;
    this.brokerPid = kafka.child.pid;
  }

  static async open(): Promise<Session> {
    // Where memory is a file system, the disk's moods stay out of the figures.
    const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-bench-'));
    const kafka = await startKafka({ dir: join(dir, 'kafka') });
    const session = new Session(dir, kafka);
    session.onEnd(() => kafka.stop());
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
