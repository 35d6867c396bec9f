import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../scripts/parts/ports.mjs';
import { startEngine } from './support/engine.ts';
import { HttpPollers, type PollFigures } from './support/http-pollers.ts';
import { cpuSeconds, maxRssMiB } from './support/process-usage.ts';

const OPERATIONS = 25;
const OFFERED_PER_SECOND = 5000;
/** Those of issue 7: the first is what node:http can do at best, so it is told and not asked for. */
const WANTED_PER_CPU_SECOND = 50_000;
const LEAST_PER_CPU_SECOND = 20_000;
const MOST_P99_MS = 20;

const SIZES = {
  tiny: { services: 2000, connections: 200, closedS: 3, openS: 5 },
  full: { services: 50_000, connections: 1000, closedS: 20, openS: 60 },
} as const;

/** Polls over kept connections: what one costs, and how long it takes at a steady rate. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { services, connections, closedS, openS } = SIZES[size];
  const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-bench-'));
  const [port] = (await freePorts(1)) as [number];
  const child = await startEngine({ dir, config: configOf(dir, services, port) });
  const pid = child.pid as number;
  try {
    const wrong = await wrongReply(port, services);
    if (wrong !== undefined) {
      console.log(`WRONG: ${wrong}`);
      return false;
    }
    const first = await run(port, pid, services, 64, (pollers) => pollers.closedLoop(closedS));
    const again = await run(port, pid, services, 64, (pollers) => pollers.closedLoop(closedS));
    const bare = await runBare(services, closedS);
    const steady = await run(port, pid, services, connections, (pollers) =>
      pollers.openLoop(OFFERED_PER_SECOND, openS),
    );
    console.log(`${services} services, ${OPERATIONS} operations in a reply`);
    print('as fast as 64 connections go, replies not yet encoded', first);
    print('the same, encoded', again);
    print('a bare node:http server that always says the same, meanwhile', bare);
    print(`${OFFERED_PER_SECOND}/s offered over ${connections} connections`, steady);
    console.log(`RSS at most ${maxRssMiB(pid)} MiB`);
    const perCpuSecond = again.figures.polls / again.cpuS;
    const share = perCpuSecond / (bare.figures.polls / bare.cpuS);
    const p99Ms = quantile(steady.figures.latenciesMs, 0.99);
    console.log(
      `polls per CPU-second ${Math.round(perCpuSecond)} (wanted ${WANTED_PER_CPU_SECOND}, at least ` +
        `${LEAST_PER_CPU_SECOND}), ${Math.round(100 * share)} % of bare node:http; ` +
        `p99 ${p99Ms.toFixed(2)} ms (at most ${MOST_P99_MS})`,
    );
    const isWrong = [first, again, steady].some(({ figures }) => figures.wrong > 0);
    if (isWrong) return false;
    return size === 'tiny' || (perCpuSecond >= LEAST_PER_CPU_SECOND && p99Ms <= MOST_P99_MS);
  } finally {
    await child.stop(10_000);
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Run {
  readonly figures: PollFigures;
  /** Of the engine, all its threads. */
  readonly cpuS: number;
}

async function run(
  port: number,
  pid: number,
  services: number,
  connections: number,
  poll: (pollers: HttpPollers) => Promise<PollFigures>,
): Promise<Run> {
  const requests = Array.from({ length: services }, (_, i) => requestOf(i));
  const pollers = await HttpPollers.open(port, connections, (n) => requests[n % services] as Buffer);
  const before = cpuSeconds(pid);
  try {
    const figures = await poll(pollers);
    return { figures, cpuS: cpuSeconds(pid) - before };
  } finally {
    pollers.close();
  }
}

const BARE = fileURLToPath(new URL('./support/bare-server.mjs', import.meta.url));
/** Of the reply with 25 operations. */
const REPLY_BYTES = 2350;

async function runBare(services: number, seconds: number): Promise<Run> {
  const child = spawn(process.execPath, [BARE, String(REPLY_BYTES)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const pid = child.pid as number;
    const port = Number(line.toString());
    await run(port, pid, services, 64, (pollers) => pollers.closedLoop(1));
    return await run(port, pid, services, 64, (pollers) => pollers.closedLoop(seconds));
  } finally {
    child.kill();
  }
}

/** As the SDK of Go asks. */
function requestOf(service: number): Buffer {
  return Buffer.from(
    `GET /sampling?service=service-${service} HTTP/1.1\r\nHost: localhost:5778\r\n` +
      'User-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n',
  );
}

function configOf(dir: string, services: number, port: number): object {
  const path = join(dir, 'strategies.json');
  const operations = Array.from({ length: OPERATIONS }, (_, i) => ({
    operation: `GET /api/v1/resource-${i}/{id}`,
    type: 'probabilistic',
    param: i / OPERATIONS,
  }));
  const strategies = {
    default_strategy: { type: 'probabilistic', param: 0.5, operation_strategies: operations },
    service_strategies: Array.from({ length: services }, (_, i) => ({
      service: `service-${i}`,
      type: 'probabilistic',
      param: i / services,
    })),
  };
  writeFileSync(path, JSON.stringify(strategies));
  return {
    receivers: { nop: {} },
    exporters: { nop: {} },
    extensions: { remote_sampling: { file: { path }, http: { endpoint: `127.0.0.1:${port}` } } },
    service: {
      extensions: ['remote_sampling'],
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['nop'], exporters: ['nop'] } },
    },
  };
}

/** What is not as it should be with the reply of one service; undefined when all is. */
async function wrongReply(port: number, services: number): Promise<string | undefined> {
  const service = services / 2;
  const answer = await fetch(`http://127.0.0.1:${port}/sampling?service=service-${service}`);
  const { probabilisticSampling, operationSampling } = (await answer.json()) as {
    readonly probabilisticSampling: { readonly samplingRate: number };
    readonly operationSampling: { readonly perOperationStrategies: readonly object[] };
  };
  if (probabilisticSampling.samplingRate !== 0.5) return `a rate of ${probabilisticSampling.samplingRate}`;
  const { length } = operationSampling.perOperationStrategies;
  return length === OPERATIONS ? undefined : `${length} operations`;
}

function print(what: string, { figures, cpuS }: Run): void {
  const { polls, seconds, latenciesMs, wrong } = figures;
  const [p50, p99] = [0.5, 0.99].map((share) => quantile(latenciesMs, share).toFixed(2));
  const worst = (latenciesMs.at(-1) ?? 0).toFixed(1);
  console.log(
    `  ${what}: ${Math.round(polls / seconds)}/s, ${Math.round(polls / cpuS)} per CPU-second, ` +
      `p50 ${p50} ms, p99 ${p99} ms, worst ${worst} ms, ${wrong} wrong`,
  );
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
