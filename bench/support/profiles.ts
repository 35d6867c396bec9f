import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What V8 writes into a .cpuprofile. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Node ids, one a sample, and the microseconds before each. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

export interface SelfTime {
  readonly what: string;
  readonly ms: number;
}

const IDLE = '(idle)';
const THREADS = 4;
const FUNCTIONS = 20;

/** From now on every thread of every engine that is started leaves a profile in the folder when it ends. */
export function profileInto(dir: string): void {
  const others = process.env.BENCH_NODE_FLAGS === undefined ? '' : `${process.env.BENCH_NODE_FLAGS} `;
  process.env.BENCH_NODE_FLAGS = `${others}--cpu-prof --cpu-prof-dir=${dir}`;
}

/** Prints where the busiest threads spent their time, and how to see it as a flame graph. */
export function tellProfiles(dir: string): void {
  const threads = readdirSync(dir)
    .filter((file) => file.endsWith('.cpuprofile'))
    .map((file) => {
      const path = join(dir, file);
      const times = selfTimes(JSON.parse(readFileSync(path, 'utf8')) as CpuProfile);
      return { path, times, busyMs: times.reduce((sum, { ms }) => sum + ms, 0) };
    })
    .sort((a, b) => b.busyMs - a.busyMs);
  for (const { busyMs, path, times } of threads.slice(0, THREADS)) {
    console.log(`\n${basename(path)}: busy for ${(busyMs / 1000).toFixed(2)} s`);
    for (const { ms, what } of times.slice(0, FUNCTIONS))
      console.log(
        `  ${((100 * ms) / busyMs).toFixed(1).padStart(5)} %  ${ms.toFixed(0).padStart(6)} ms  ${what}`,
      );
  }
  const busiest = threads[0];
  if (busiest === undefined) return;
  console.log(
    `\n${threads.length} profiles, one a thread, are in ${dir}. As flame graphs: npx speedscope ${busiest.path}\n` +
      'or Chrome, DevTools, Performance, "Load profile"; or open the file in VS Code.',
  );
}

/** Time in each function itself, the longest first; idle time is left out. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): SelfTime[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((node, i) => {
    const name = names.get(node) ?? '?';
    // The time up to the next sample is what this one stands for.
    if (name !== IDLE) times.set(name, (times.get(name) ?? 0) + Math.max(0, timeDeltas[i + 1] ?? 0) / 1000);
  });
  return [...times].map(([what, ms]) => ({ what, ms })).sort((a, b) => b.ms - a.ms);
}

function nameOf({ functionName, lineNumber, url }: ProfileNode['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  return `${name} ${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`;
}
