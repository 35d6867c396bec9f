import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { remoteSamplingConfig } from '../../../../src/extensions/remote-sampling/config.ts';
import { CombinedProvider } from '../../../../src/extensions/remote-sampling/sources/combined-provider.ts';
import { createFileProvider } from '../../../../src/extensions/remote-sampling/sources/file-provider.ts';
import type { StrategySnapshot } from '../../../../src/sampling/strategies/snapshot.ts';
import { FakeClock } from '../../../flow/fake-clock.ts';
import { NO_HURRY, recording } from '../recording.ts';
import { startExtension, stopExtensions } from '../running.ts';

const folders: string[] = [];
afterEach(async () => {
  await stopExtensions();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function strategiesFile(strategies: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'spanweir-pins-'));
  folders.push(folder);
  const path = join(folder, 'strategies.json');
  await writeFile(path, JSON.stringify(strategies));
  return path;
}

const PINS = {
  service_strategies: [
    { service: 'pinned', type: 'probabilistic', param: 0.8 },
    { service: 'shop', operation_strategies: [{ operation: '/health', type: 'probabilistic', param: 0 }] },
  ],
};

const ADAPTIVE = { adaptive: { sampling_store: 'memory', initial_sampling_probability: 0.01 } };

test('a file pins what it names and the rest is adaptive', async () => {
  const path = await strategiesFile(PINS);
  const config = { ...ADAPTIVE, file: { path }, combine: 'file_pins' };
  const { ask, seen } = await startExtension(config, new FakeClock());
  const rates = async (service: string): Promise<unknown> => {
    const { operationSampling } = JSON.parse((await ask(`/sampling?service=${service}`)).body);
    return [operationSampling.defaultSamplingProbability, operationSampling.perOperationStrategies];
  };
  expect(await rates('pinned')).toEqual([0.8, []]);
  expect(await rates('shop')).toEqual([
    0.01,
    [{ operation: '/health', probabilisticSampling: { samplingRate: 0 } }],
  ]);
  expect(await rates('unknown')).toEqual([0.01, []]);
  expect(seen.logged).not.toContain('Failed to parse sampling strategy');
});

test('what is combined is made anew only when one of the two has changed', async () => {
  const path = await strategiesFile(PINS);
  const clock = new FakeClock();
  const { file: config } = remoteSamplingConfig.parse({ file: { path, reload_interval: '1s' } });
  const file = createFileProvider(config as NonNullable<typeof config>, recording({ clock }).context);
  let snapshot: StrategySnapshot = {
    version: 3,
    madeAtMs: 1,
    fallback: { strategyType: 'PROBABILISTIC', probabilisticSampling: { samplingRate: 0.01 } },
    services: new Map(),
  };
  const adaptive = {
    get snapshot() {
      return snapshot;
    },
    start: async () => {},
    stop: async () => {},
  };
  const combined = new CombinedProvider(adaptive, file, 250);
  await combined.start();
  const pins = combined.pins();
  expect(pins).toEqual([
    { service: 'pinned', operation: '*', fixedProbability: 0.8 },
    { service: 'shop', operation: '/health', fixedProbability: 0 },
  ]);
  const first = combined.snapshot;
  expect(combined.snapshot).toBe(first);
  snapshot = { ...snapshot, version: 4 };
  expect(combined.snapshot).toMatchObject({ version: 4 });
  expect(combined.pins()).toBe(pins);
  await writeFile(path, JSON.stringify({ default_strategy: { type: 'probabilistic', param: 0.5 } }));
  await clock.advance(1000);
  await expect.poll(() => combined.snapshot.fallback.probabilisticSampling).toEqual({ samplingRate: 0.5 });
  expect(combined.pins()).toEqual([{ service: '*', operation: '', fixedProbability: 0.5 }]);
  await combined.stop(NO_HURRY);
});

test('a file that is wrong stops the start, before anything adaptive is served', async () => {
  const path = await strategiesFile({ service_strategies: 'all' });
  const config = { ...ADAPTIVE, file: { path }, combine: 'file_pins' };
  await expect(startExtension(config, new FakeClock())).rejects.toThrow('failed to unmarshal strategies');
});

describe('the configuration', () => {
  const messages = (config: object): string[] =>
    (remoteSamplingConfig.safeParse(config).error?.issues ?? []).map(({ message }) => message);

  test('of both without combine is refused in the words of Jaeger', () => {
    expect(messages({ ...ADAPTIVE, file: {} })).toEqual([
      "only one sampling strategy provider can be specified, 'adaptive' or 'file'",
    ]);
  });

  test.each([
    { ...ADAPTIVE, combine: 'file_pins' },
    { file: {}, combine: 'file_pins' },
    { ...ADAPTIVE, file: {}, source: { file: 'x' }, combine: 'file_pins' },
  ])('%j has something to combine missing, or too much', (config) => {
    expect(messages(config)).toEqual(["combine joins 'adaptive' and 'file': expected both, and no 'source'"]);
  });

  test('of a source beside another is refused', () => {
    expect(messages({ file: {}, source: { file: 'x' } })).toEqual([
      "only one sampling strategy provider can be specified, 'adaptive', 'file' or 'source'",
    ]);
  });
});
