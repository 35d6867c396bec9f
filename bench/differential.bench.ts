import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCollector } from '../scripts/parts/collector.mjs';
import { freePorts } from '../scripts/parts/ports.mjs';
import { encodeProto } from '../test/support/spans.ts';
import { ambiguousServices, batch } from './differential/batches.ts';
import { CONFIGURATIONS, type Configuration, fileFor, GATES } from './differential/configurations.ts';
import { compareSamples } from './support/compare-samples.ts';
import { type Child, startEngine } from './support/engine.ts';
import { parseExposition, type Samples } from './support/exposition.ts';

/** A process with an OTLP receiver, and the page of each configuration. */
interface Side {
  readonly child: Child;
  readonly receiver: number;
  readonly pages: readonly { readonly configuration: Configuration; readonly port: number }[];
}

/** What a series of ours never has: the collector makes a new one at every start. */
const DROPPED = ['collector_instance_id'];
const NONE: ReadonlySet<string> = new Set();
const SENDERS = 50;
const EVERY_MS = 1000;
/** Longer than two flushes: after the first a new series of the collector counts 0 calls. */
const STEADY_LOOKS = 3;
const LOOKS = 180;

/** Random requests to the real collector and to us, in many configurations: the same series and values. */
export async function bench(size: 'tiny' | 'full', seed = Number(process.env.SEED ?? 1)): Promise<boolean> {
  const batches = size === 'full' ? 1000 : 200;
  const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-differential-'));
  const plain = CONFIGURATIONS.filter(({ isGated }) => isGated !== true);
  const gated = CONFIGURATIONS.filter(({ isGated }) => isGated === true);
  const sides: Side[] = [];
  try {
    sides.push(await collector(join(dir, 'plain'), plain, []));
    sides.push(await collector(join(dir, 'gated'), gated, [`--feature-gates=${GATES.join(',')}`]));
    sides.push(await engine(join(dir, 'spanweir'), [...plain, ...gated]));
    const startNs = BigInt(Date.now() - 60_000) * 1_000_000n;
    const requests = Array.from({ length: batches }, (_, i) => batch(i, seed, startNs));
    let next = 0;
    const sender = async (): Promise<void> => {
      while (next < batches) {
        const body = encodeProto(requests[next++] ?? []);
        await Promise.all(sides.map(({ receiver }) => send(receiver, body)));
      }
    };
    // A request is answered when its block is done, which waits for others.
    await Promise.all(Array.from({ length: SENDERS }, sender));
    const [ours, ...peers] = (await Promise.all(sides.map((side) => steady(side)))).reverse();
    const theirs = new Map(peers.flatMap((peer) => [...peer]));
    const ambiguous = ambiguousServices(requests);
    let different = 0;
    for (const { name, hidesResources } of CONFIGURATIONS) {
      const left = hidesResources === true ? ambiguous : NONE;
      const samples = withoutServices(theirs.get(name), left);
      const found = compareSamples(samples, withoutServices(ours?.get(name), left));
      if (samples.size === 0) found.push('the collector shows nothing');
      console.log(
        `${name}: ${batches} batches, ${samples.size} samples of the collector, ${found.length} differ`,
      );
      for (const line of found.slice(0, 10)) console.log(`  ${line}`);
      different += found.length;
    }
    console.log(
      `${batches} batches x ${CONFIGURATIONS.length} configurations (SEED=${seed}): ${different} differences`,
    );
    return different === 0;
  } finally {
    await Promise.all(sides.map(({ child }) => child.stop(10_000)));
    rmSync(dir, { recursive: true, force: true });
  }
}

async function collector(
  dir: string,
  configurations: readonly Configuration[],
  args: readonly string[],
): Promise<Side> {
  const [receiver = 0, ...ports] = await freePorts(configurations.length + 1);
  const config = fileFor(configurations, { receiver, ports, gates: 'flags' });
  const child = await startCollector({ dir, config, args: [...args] });
  return { child, receiver, pages: pagesOf(configurations, ports) };
}

async function engine(dir: string, configurations: readonly Configuration[]): Promise<Side> {
  const [receiver = 0, ...ports] = await freePorts(configurations.length + 1);
  const child = await startEngine({
    dir,
    config: fileFor(configurations, { receiver, ports, gates: 'options' }),
  });
  return { child, receiver, pages: pagesOf(configurations, ports) };
}

function pagesOf(configurations: readonly Configuration[], ports: readonly number[]): Side['pages'] {
  return configurations.map((configuration, i) => ({ configuration, port: ports[i] as number }));
}

async function send(port: number, body: Uint8Array): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: Buffer.from(body),
  });
  if (!response.ok)
    throw new Error(`a request was answered with ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

/** Every page, once nothing on any of them has changed for some flushes. */
async function steady({ pages }: Side): Promise<Map<string, Samples>> {
  let last = '';
  let steadyFor = 0;
  for (let look = 0; look < LOOKS; look++) {
    const texts = await Promise.all(pages.map(({ port }) => page(port)));
    const seen = texts.map((text) => `${text.length} ${sumOfCounters(text)}`).join();
    steadyFor = seen === last ? steadyFor + 1 : 0;
    last = seen;
    if (steadyFor >= STEADY_LOOKS && texts.every((text) => text !== '')) {
      return new Map(
        pages.map(({ configuration }, i) => [
          configuration.name,
          parseExposition(texts[i] as string, DROPPED),
        ]),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  throw new Error(`pages still change after ${LOOKS} looks`);
}

function withoutServices(samples: Samples | undefined, left: ReadonlySet<string>): Samples {
  if (samples === undefined || left.size === 0) return samples ?? new Map();
  const names = [...left].map((name) => `service_name="${name.replaceAll('"', '\\"')}"`);
  return new Map([...samples].filter(([key]) => !names.some((name) => key.includes(name))));
}

/** They are what is late in the collector; the order of its lines changes from page to page. */
function sumOfCounters(text: string): number {
  let sum = 0;
  for (const [, value] of text.matchAll(/(?:calls|events)(?:_total)?\{.*\} (\S+)$/gm)) sum += Number(value);
  return sum;
}

/** Empty when it can't be had just now. */
async function page(port: number): Promise<string> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return response.ok ? await response.text() : '';
  } catch {
    return '';
  }
}
