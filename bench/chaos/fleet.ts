import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild, untilReady } from '../../scripts/parts/child.mjs';
import { DATABASE } from './database.ts';

type Child = Awaited<ReturnType<typeof startChild>>;

export interface FleetOptions {
  readonly dir: string;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly group: string;
  /** Where ClickHouse is, or seems to be. */
  readonly clickhousePort: number;
  readonly workers: number;
  /** Path of bin/spanweir of those that are started from now on. */
  readonly build: string;
  readonly settings: FleetSettings;
}

/** Merged into the configuration of the processes that are started from now on. */
export interface FleetSettings {
  readonly receiver?: object;
  readonly exporter?: object;
  /** service.spanweir.block */
  readonly block?: object;
}

/** The processes under test, by name; each of them is a part of one consumer group. */
export class Fleet {
  build: string;
  settings: FleetSettings;
  /** For the processes that are started from now on: SPANWEIR_TEST_FAULT and the like. */
  env: Readonly<Record<string, string>> = {};
  readonly #options: FleetOptions;
  readonly #children = new Map<string, Child>();
  #starts = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.build = options.build;
    this.settings = options.settings;
    mkdirSync(options.dir, { recursive: true });
  }

  get names(): string[] {
    return [...this.#children.keys()].filter((name) => this.#children.get(name)?.running());
  }

  /** Resolves at once; `ready` waits. A process of that name that is still there is left to itself. */
  async start(name: string, env: Readonly<Record<string, string>> = this.env): Promise<void> {
    const { dir } = this.#options;
    const child = await startChild({
      name,
      command: process.execPath,
      args: [this.build, '--config', this.configFile(name)],
      logFile: join(dir, `${String(this.#starts++).padStart(4, '0')}-${name}.out`),
      cwd: dir,
      env: { ...process.env, ...env },
    });
    this.#children.set(name, child);
  }

  async ready(name: string): Promise<void> {
    const child = this.#child(name);
    const isReady = async (): Promise<boolean> =>
      readFileSync(child.logFile, 'utf8').includes('Everything is ready');
    await untilReady(child, isReady, { everyMs: 200 });
  }

  /** Resolves when it is gone. False = it was gone already. */
  async kill(name: string): Promise<boolean> {
    const child = this.#children.get(name);
    if (child === undefined || !child.running()) return false;
    await child.kill();
    return true;
  }

  signal(name: string, signal: NodeJS.Signals): void {
    const child = this.#child(name);
    if (child.running()) process.kill(child.pid, signal);
  }

  isRunning(name: string): boolean {
    return this.#children.get(name)?.running() ?? false;
  }

  ended(name: string): Promise<unknown> {
    return this.#child(name).ended;
  }

  /** SIGTERM; how long it took, and how it ended. */
  async stop(
    name: string,
    deadlineMs = 40_000,
  ): Promise<{ readonly ms: number; readonly code: number | null }> {
    const startedMs = performance.now();
    const { code } = await this.#child(name).stop(deadlineMs);
    return { ms: performance.now() - startedMs, code };
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.names.map((name) => this.stop(name)));
  }

  /** RSS of a process now, MiB; 0 when it is gone. */
  rssMiB(name: string): number {
    try {
      const status = readFileSync(`/proc/${this.#child(name).pid}/status`, 'utf8');
      return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      return 0;
    }
  }

  /** How often something stands in the logs of all processes so far. */
  logged(text: string): number {
    const { dir } = this.#options;
    const logs = readdirSync(dir).filter((file) => file.endsWith('.out'));
    return logs.reduce((sum, file) => sum + readFileSync(join(dir, file), 'utf8').split(text).length - 1, 0);
  }

  /** Written anew whenever it is asked for. */
  configFile(name: string): string {
    const file = join(this.#options.dir, `${name}.yaml`);
    writeFileSync(file, JSON.stringify(configOf(name, this.#options, this.settings), undefined, 2));
    return file;
  }

  #child(name: string): Child {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`no process was called ${name}`);
    return child;
  }
}

function configOf(name: string, options: FleetOptions, settings: FleetSettings): object {
  const { brokers, group, topic, clickhousePort, workers } = options;
  return {
    receivers: {
      kafka: {
        brokers,
        client_id: name,
        group_id: group,
        initial_offset: 'earliest',
        session_timeout: '6s',
        heartbeat_interval: '2s',
        traces: { topics: [topic], encoding: 'otlp_proto' },
        dead_letter: { topic: `${topic}-dead` },
        ...settings.receiver,
      },
    },
    processors: { adaptive_sampling: {} },
    connectors: { span_metrics: {} },
    exporters: {
      clickhouse: {
        endpoint: `http://127.0.0.1:${clickhousePort}`,
        database: DATABASE,
        timeout: '20s',
        ttl: '0s',
        ...settings.exporter,
      },
    },
    extensions: { remote_sampling: { adaptive: { sampling_store: 'clickhouse' } } },
    service: {
      extensions: ['remote_sampling'],
      telemetry: { metrics: { level: 'none' } },
      spanweir: {
        workers,
        block: settings.block ?? {},
        timestamps: { max_past: '8760h' },
      },
      pipelines: {
        traces: {
          receivers: ['kafka'],
          processors: ['adaptive_sampling'],
          exporters: ['clickhouse', 'span_metrics'],
        },
        metrics: { receivers: ['span_metrics'], exporters: ['clickhouse'] },
      },
    },
  };
}
