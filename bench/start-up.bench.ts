import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../scripts/parts/ports.mjs';
import { type Figure, median, tellFigures } from './support/figures.ts';
import { cpuSeconds } from './support/process-usage.ts';

const REPEATS = { tiny: 1, full: 9 } as const;
const BIN = fileURLToPath(new URL('../bin/spanweir', import.meta.url));
const READY = 'Everything is ready';
const PATIENCE_MS = 60_000;

interface Start {
  readonly seconds: number;
  /** Of the process, not of the database that it starts. */
  readonly cpuS: number;
}

/** From the start of a process in an empty folder until it says that it is ready. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-bench-'));
  const figures: Figure[] = [];
  try {
    for (const [what, configOf, most] of [
      ['OTLP to span_metrics to Prometheus', alone, 0.5],
      ['the same with an embedded ClickHouse, empty', withDatabase, 2],
    ] as const) {
      const starts: Start[] = [];
      // The first finds nothing in the page cache and is not counted.
      for (let i = size === 'full' ? -1 : 0; i < REPEATS[size]; i++) {
        const start = await startOnce(join(dir, `${figures.length}-${i}`), await configOf());
        console.log(`${what}: ${start.seconds.toFixed(2)} s, ${start.cpuS.toFixed(2)} CPU-s`);
        if (i >= 0) starts.push(start);
      }
      const seconds = median(starts.map((start) => start.seconds));
      const cpuS = median(starts.map((start) => start.cpuS));
      figures.push({
        what: `${what}: start to ready`,
        figure: `${seconds.toFixed(2)} s, ${cpuS.toFixed(2)} CPU-s`,
        target: `<= ${most} s`,
        isMet: seconds <= most,
      });
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return tellFigures('start-up', figures, `Median of ${REPEATS[size]}, from spawn to the log's line.`);
}

async function startOnce(dir: string, config: object): Promise<Start> {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'config.yaml');
  writeFileSync(file, JSON.stringify(config));
  const startMs = performance.now();
  const child = spawn(process.execPath, [BIN, '--config', file], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  try {
    let told = '';
    child.stderr.setEncoding('utf8');
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (text: string) => {
        told += text;
        if (told.includes(READY)) resolve();
      });
      void ended.then(() => reject(new Error(`it ended while starting\n${told}`)));
    });
    return { seconds: (performance.now() - startMs) / 1000, cpuS: cpuSeconds(child.pid as number) };
  } finally {
    child.kill('SIGTERM');
    await ended;
    clearTimeout(timer);
  }
}

async function alone(): Promise<object> {
  const [otlp, grpc, metrics] = await freePorts(3);
  return {
    receivers: {
      otlp: {
        protocols: { http: { endpoint: `127.0.0.1:${otlp}` }, grpc: { endpoint: `127.0.0.1:${grpc}` } },
      },
    },
    connectors: { span_metrics: {} },
    exporters: { prometheus: { endpoint: `127.0.0.1:${metrics}` } },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: {
        traces: { receivers: ['otlp'], exporters: ['span_metrics'] },
        metrics: { receivers: ['span_metrics'], exporters: ['prometheus'] },
      },
    },
  };
}

async function withDatabase(): Promise<object> {
  const [otlp, grpc, metrics, http, native] = await freePorts(5);
  return {
    receivers: {
      otlp: {
        protocols: { http: { endpoint: `127.0.0.1:${otlp}` }, grpc: { endpoint: `127.0.0.1:${grpc}` } },
      },
    },
    connectors: { span_metrics: {} },
    exporters: {
      clickhouse: { endpoint: `http://127.0.0.1:${http}` },
      prometheus: { endpoint: `127.0.0.1:${metrics}` },
    },
    extensions: {
      embedded_clickhouse: {
        directory: 'clickhouse',
        endpoint: `127.0.0.1:${http}`,
        native_endpoint: `127.0.0.1:${native}`,
      },
    },
    service: {
      extensions: ['embedded_clickhouse'],
      telemetry: { metrics: { level: 'none' } },
      pipelines: {
        traces: { receivers: ['otlp'], exporters: ['clickhouse', 'span_metrics'] },
        metrics: { receivers: ['span_metrics'], exporters: ['clickhouse', 'prometheus'] },
      },
    },
  };
}
