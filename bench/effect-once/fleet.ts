import { scrape, total } from '../support/exposition.ts';
import { maxRssMiB } from '../support/process-usage.ts';
import { type Session, until } from '../support/session.ts';
import { startWriter, type WriterEngine } from './writer-engine.ts';

export interface FleetOptions {
  readonly topic: string;
  readonly clickhousePort: number;
  readonly sessionTimeoutMs: number;
  readonly inFlightBytes: number;
}

/** Two processes with a worker each, in one group on one topic. */
export class Fleet {
  readonly #session: Session;
  readonly #options: FleetOptions;
  readonly #engines: WriterEngine[] = [];
  #maxRssMiB = 0;

  private constructor(session: Session, options: FleetOptions) {
    this.#session = session;
    this.#options = options;
  }

  static async start(session: Session, options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(session, options);
    session.onEnd(() => fleet.#stop());
    for (const index of [0, 1]) await fleet.startAgain(index);
    return fleet;
  }

  /** Of any process so far. */
  get maxRssMiB(): number {
    for (const { child } of this.#engines) {
      if (child.running()) this.#maxRssMiB = Math.max(this.#maxRssMiB, maxRssMiB(child.pid));
    }
    return this.#maxRssMiB;
  }

  /** Times that any living member was given partitions anew. */
  async rebalances(): Promise<number> {
    let sum = 0;
    for (const { child, ownMetricsUrl } of this.#engines) {
      if (child.running())
        sum += total(await scrape(ownMetricsUrl), 'spanweir_kafka_receiver_rebalances_total');
    }
    return sum;
  }

  /** Resolves when every process has its share of the partitions. */
  async isShared(partitions: number): Promise<void> {
    await until(
      () => Promise.all(this.#engines.map(({ ownMetricsUrl }) => assigned(ownMetricsUrl))),
      (shares) => shares.every((share) => share === partitions / shares.length),
      60_000,
    );
  }

  async kill(index: number): Promise<void> {
    void this.maxRssMiB;
    await this.#engines[index]?.child.kill();
  }

  async startAgain(index: number): Promise<void> {
    const { topic, clickhousePort, sessionTimeoutMs, inFlightBytes } = this.#options;
    this.#engines[index] = await startWriter(this.#session, {
      name: `process-${index}`,
      group: topic,
      topic,
      clickhousePort,
      receiver: {
        session_timeout: `${sessionTimeoutMs}ms`,
        heartbeat_interval: `${sessionTimeoutMs / 3}ms`,
      },
      settings: { block: { max_in_flight_bytes: inFlightBytes } },
    });
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#engines.map(({ child }) => child.stop(40_000)));
  }
}

async function assigned(ownMetricsUrl: string): Promise<number> {
  return total(await scrape(ownMetricsUrl), 'spanweir_kafka_receiver_assigned_partitions');
}
