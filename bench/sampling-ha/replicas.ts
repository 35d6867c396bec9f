import { type Child, startEngine } from '../support/engine.ts';
import { scrape } from '../support/exposition.ts';
import type { Session } from '../support/session.ts';

export interface ReplicasOptions {
  readonly count: number;
  readonly spansTopic: string;
  readonly clickhousePort: number;
  readonly sessionTimeoutMs: number;
  readonly targetPerSecond: number;
}

export interface Replica {
  readonly name: string;
  readonly samplingUrl: string;
  readonly metricsUrl: string;
  child: Child | undefined;
}

/** Engines that read one topic together, write to one ClickHouse, and serve what one of them decides. */
export class Replicas {
  readonly all: readonly Replica[];
  readonly #session: Session;
  readonly #options: ReplicasOptions;
  readonly #ports: readonly number[];

  private constructor(session: Session, options: ReplicasOptions, ports: readonly number[]) {
    this.#session = session;
    this.#options = options;
    this.#ports = ports;
    this.all = Array.from({ length: options.count }, (_, i) => ({
      name: `replica-${i}`,
      samplingUrl: `http://127.0.0.1:${ports[2 * i]}`,
      metricsUrl: `http://127.0.0.1:${ports[2 * i + 1]}/metrics`,
      child: undefined,
    }));
  }

  static async create(session: Session, options: ReplicasOptions): Promise<Replicas> {
    const replicas = new Replicas(session, options, await session.ports(2 * options.count));
    session.onEnd(() => Promise.all(replicas.all.map(async ({ child }) => await child?.stop(20_000))));
    return replicas;
  }

  /** Resolves when it is ready. */
  async start(replica: Replica): Promise<void> {
    const i = this.all.indexOf(replica);
    replica.child = await startEngine({
      dir: `${this.#session.dir}/${replica.name}`,
      name: replica.name,
      config: this.#config(this.#ports[2 * i] as number, this.#ports[2 * i + 1] as number),
    });
  }

  async kill(replica: Replica): Promise<void> {
    await replica.child?.kill();
    replica.child = undefined;
  }

  /** The one that says that it decides, among those that run. */
  async controller(): Promise<Replica | undefined> {
    for (const replica of this.all) {
      if (replica.child === undefined) continue;
      const samples = await scrape(replica.metricsUrl).catch(() => undefined);
      if (samples?.get('spanweir_sampling_controller') === 1) return replica;
    }
    return undefined;
  }

  #config(samplingPort: number, metricsPort: number): object {
    const { brokers } = this.#session;
    const { spansTopic, clickhousePort, sessionTimeoutMs, targetPerSecond } = this.#options;
    return {
      receivers: {
        kafka: {
          brokers,
          group_id: 'ingest',
          initial_offset: 'earliest',
          session_timeout: '6s',
          heartbeat_interval: '500ms',
          traces: { topics: [spansTopic], encoding: 'otlp_proto' },
        },
      },
      processors: { adaptive_sampling: {} },
      exporters: { clickhouse: { endpoint: `http://127.0.0.1:${clickhousePort}`, database: 'spanweir' } },
      extensions: {
        remote_sampling: {
          adaptive: {
            sampling_store: 'clickhouse',
            target_samples_per_second: targetPerSecond,
            initial_sampling_probability: 0.1,
            control_topic: { brokers, session_timeout: `${sessionTimeoutMs}ms` },
          },
          http: { endpoint: `127.0.0.1:${samplingPort}` },
        },
      },
      service: {
        extensions: ['remote_sampling'],
        telemetry: { metrics: { address: `127.0.0.1:${metricsPort}` } },
        spanweir: { workers: 1 },
        pipelines: {
          traces: { receivers: ['kafka'], processors: ['adaptive_sampling'], exporters: ['clickhouse'] },
        },
      },
    };
  }
}
