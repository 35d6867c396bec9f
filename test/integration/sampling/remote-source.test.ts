import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../../scripts/parts/ports.mjs';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait.ts';
import { startEngine } from '../app/engine.ts';

/** Everything that strategies need, and nothing else. */
function engineWith(remoteSampling: object, extensions: object = {}): object {
  return {
    receivers: { nop: {} },
    exporters: { nop: {} },
    extensions: { ...extensions, remote_sampling: remoteSampling },
    service: {
      extensions: [...Object.keys(extensions), 'remote_sampling'],
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['nop'], exporters: ['nop'] } },
    },
  };
}

const TOKEN = { bearertokenauth: { token: 'between-us' } };
const AUTH = { authenticator: 'bearertokenauth' };

test('a Spanweir in front of another serves what that one says, while it is away too, and what is new when it is back', async () => {
  const dir = tempDirOfTest();
  const [grpc, http] = [await freePort(), await freePort()];
  const strategies = join(dir, 'strategies.json');
  const write = (rate: number): void =>
    writeFileSync(
      strategies,
      JSON.stringify({
        default_strategy: { type: 'probabilistic', param: 0.125 },
        service_strategies: [{ service: 'shop', type: 'probabilistic', param: rate }],
      }),
    );
  write(0.5);
  const behind = () =>
    startEngine({
      dir,
      name: 'behind',
      config: engineWith(
        { file: { path: strategies }, grpc: { endpoint: `127.0.0.1:${grpc}`, auth: AUTH } },
        TOKEN,
      ),
    });
  const first = await behind();
  await startEngine({
    dir,
    name: 'front',
    config: engineWith(
      {
        source: {
          remote: { endpoint: `127.0.0.1:${grpc}`, tls: { insecure: true }, auth: AUTH, timeout: '2s' },
          reload_interval: '200ms',
        },
        http: { endpoint: `127.0.0.1:${http}` },
      },
      TOKEN,
    ),
  });
  const rate = async (service: string): Promise<number | string> => {
    const answer = await fetch(`http://127.0.0.1:${http}/sampling?service=${service}`);
    if (answer.status !== 200) return `${answer.status}`;
    const { probabilisticSampling } = (await answer.json()) as {
      readonly probabilisticSampling: { readonly samplingRate: number };
    };
    return probabilisticSampling.samplingRate;
  };
  expect(await rate('shop')).toBe(0.5);
  expect(await rate('unknown')).toBe(0.125);

  await first.kill();
  await waitFor('the answer to be old', async () => (await rate('never-asked')) === '503');
  expect(await rate('shop')).toBe(0.5);

  write(0.75);
  await behind();
  await waitFor('what the other says now', async () => (await rate('shop')) === 0.75);
  expect(await rate('never-asked')).toBe(0.125);
});
