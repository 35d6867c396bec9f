import { expect, test } from 'vitest';
import { watched } from '../../src/app/start-watch.ts';

function scene() {
  let nowMs = 0;
  const naps: (() => void)[] = [];
  const said: object[] = [];
  const quiet = (): void => undefined;
  const log = { debug: quiet, info: quiet, error: quiet, warn: (fields: object) => void said.push(fields) };
  const clock = {
    wallMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        naps.push(() => {
          nowMs += ms;
          resolve();
        });
        signal?.addEventListener('abort', () => resolve(), { once: true });
      }),
  };
  return { env: { clock, log }, naps, said };
}

test('a step of the start that takes long is named every ten seconds until it is over', async () => {
  const { env, naps, said } = scene();
  let finish = (): void => undefined;
  const run = (): Promise<void> => new Promise((resolve) => (finish = resolve));
  const step = watched({ waitsFor: 'exporters::clickhouse', run }, env);
  for (const round of [0, 1]) {
    await expect.poll(() => naps.length).toBe(round + 1);
    naps[round]?.();
  }
  await expect
    .poll(() => said)
    .toEqual([
      { waitsFor: 'exporters::clickhouse', seconds: 10 },
      { waitsFor: 'exporters::clickhouse', seconds: 20 },
    ]);
  finish();
  await step;
  await Promise.resolve();
  expect(said).toHaveLength(2);
  expect(naps).toHaveLength(3);
});

test('a step that fails, fails as it did', async () => {
  const { env, said } = scene();
  const run = (): Promise<void> => Promise.reject(new Error('no such host'));
  await expect(watched({ waitsFor: 'listeners', run }, env)).rejects.toThrow('no such host');
  expect(said).toEqual([]);
});
