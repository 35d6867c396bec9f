import { createClient } from '@clickhouse/client';
import { freePorts } from '../../scripts/parts/ports.mjs';
import { type Child, startEngine } from './engine.ts';

/** The intervals that the control loop works with, ms. */
export interface LoopTimes {
  readonly intervalMs: number;
  readonly delayMs: number;
  readonly windowMs: number;
  readonly pollMs: number;
}

interface Options {
  readonly dir: string;
  readonly times: LoopTimes;
  readonly targetPerSecond: number;
  readonly initialProbability: number;
}

type Ports = readonly [otlp: number, sampling: number, http: number, native: number];

/** OTLP in, adaptive sampling out, an embedded ClickHouse as the store: all that the control loop consists of. */
export class SamplingEngine {
  readonly #options: Options;
  readonly #ports: Ports;
  #child: Child | undefined;
  #lives = 0;

  private constructor(options: Options, ports: Ports) {
    this.#options = options;
    this.#ports = ports;
  }

  static async create(options: Options): Promise<SamplingEngine> {
    return new SamplingEngine(options, (await freePorts(4)) as [number, number, number, number]);
  }

  get otlpUrl(): string {
    return `http://127.0.0.1:${this.#ports[0]}`;
  }

  get samplingUrl(): string {
    return `http://127.0.0.1:${this.#ports[1]}`;
  }

  /** Again after `stop` too: on the same ports, with the same data. */
  async start(): Promise<void> {
    const [otlp, sampling, http, native] = this.#ports;
    const { dir, times, targetPerSecond, initialProbability } = this.#options;
    const window = `${times.windowMs}ms`;
    const adaptive = {
      sampling_store: 'clickhouse',
      target_samples_per_second: targetPerSecond,
      initial_sampling_probability: initialProbability,
      calculation_interval: `${times.intervalMs}ms`,
      calculation_delay: `${times.delayMs}ms`,
      window,
    };
    this.#child = await startEngine({
      dir,
      name: `engine-${this.#lives++}`,
      config: {
        receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } } },
        processors: { adaptive_sampling: { window } },
        exporters: { clickhouse: { endpoint: `http://127.0.0.1:${http}` } },
        extensions: {
          embedded_clickhouse: {
            directory: 'clickhouse',
            endpoint: `127.0.0.1:${http}`,
            native_endpoint: `127.0.0.1:${native}`,
          },
          remote_sampling: { adaptive, http: { endpoint: `127.0.0.1:${sampling}` } },
        },
        service: {
          extensions: ['embedded_clickhouse', 'remote_sampling'],
          telemetry: { metrics: { level: 'none' } },
          pipelines: {
            traces: { receivers: ['otlp'], processors: ['adaptive_sampling'], exporters: ['clickhouse'] },
          },
        },
      },
    });
  }

  /** Resolves with the exit code. */
  async stop(): Promise<number | null | undefined> {
    return (await this.#child?.stop(40_000))?.code;
  }

  /** The probability that an SDK is told for an operation now. */
  async served(service: string, operation: string): Promise<number> {
    const answer = await fetch(`${this.samplingUrl}/sampling?service=${service}`);
    const { operationSampling } = (await answer.json()) as Reply;
    const own = operationSampling.perOperationStrategies.find((one) => one.operation === operation);
    return own?.probabilisticSampling.samplingRate ?? operationSampling.defaultSamplingProbability;
  }

  async query<T>(query: string): Promise<T[]> {
    const client = createClient({ url: `http://127.0.0.1:${this.#ports[2]}` });
    try {
      return await (await client.query({ query, format: 'JSONEachRow' })).json<T>();
    } finally {
      await client.close();
    }
  }
}

interface Reply {
  readonly operationSampling: {
    readonly defaultSamplingProbability: number;
    readonly perOperationStrategies: readonly {
      readonly operation: string;
      readonly probabilisticSampling: { readonly samplingRate: number };
    }[];
  };
}
