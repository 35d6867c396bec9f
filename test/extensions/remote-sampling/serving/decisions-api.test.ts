import { afterEach, describe, expect, test } from 'vitest';
import type { SamplingStore } from '../../../../src/sampling/store/store.ts';
import { FakeClock } from '../../../flow/fake-clock.ts';
import { decisionOf, roundOf, rowOf } from '../../../sampling/rows.ts';
import { startExtension, stopExtensions } from '../running.ts';

afterEach(stopExtensions);

const ADAPTIVE = {
  adaptive: {
    sampling_store: 'memory',
    algorithm: 'jaeger',
    calculation_interval: '5s',
    calculation_delay: '5s',
  },
};

async function start(config: object, peers: Readonly<Record<string, unknown>> = {}) {
  const clock = new FakeClock();
  const started = await startExtension(config, clock, peers);
  const asked = async (target: string) => {
    const { status, body } = await started.ask(target);
    return { status, body: JSON.parse(body) as Record<string, unknown> };
  };
  return { clock, asked, ...started };
}

describe('decisions', () => {
  async function decided() {
    const started = await start(ADAPTIVE);
    const probabilities = ['0.001000'];
    const windowS = 1_700_000_000;
    const rows = [
      rowOf({ windowS, service: 'shop', operation: 'GET /', count: 500, probabilities }),
      rowOf({ windowS, service: 'shop', operation: 'POST /', count: 1, probabilities }),
      rowOf({ windowS, service: 'bank', operation: 'pay', count: 10, probabilities }),
    ];
    started.post({ kind: 'throughput', rows });
    await started.clock.advance(10_000);
    return started;
  }

  test('are all told, in order, each with a sentence', async () => {
    const { asked } = await decided();
    const { status, body } = await asked('/api/v1/sampling/decisions');
    expect(status).toBe(200);
    expect(body).toMatchObject({ algorithm: 'jaeger', mode: 'control', version: 3, matching: 3 });
    expect(body.decisions).toMatchObject([
      { service: 'bank', operation: 'pay' },
      {
        service: 'shop',
        operation: 'GET /',
        probability: 0.00001,
        previous: 0.001,
        rateLow: null,
        why: 'Lowered 0.001 → 0.00001: 100/s sampled is above the target 1/s.',
      },
      { service: 'shop', operation: 'POST /' },
    ]);
  });

  test('can be asked for by service, and be limited', async () => {
    const { asked } = await decided();
    const { body } = await asked('/api/v1/sampling/decisions?service=shop&limit=1');
    expect(body).toMatchObject({ matching: 2, decisions: [{ operation: 'GET /' }] });
    expect((await asked('/api/v1/sampling/decisions?service=nobody')).body).toMatchObject({ decisions: [] });
  });

  test('of a single operation come with how it moved', async () => {
    const { asked } = await decided();
    const { body } = await asked('/api/v1/sampling/decisions?service=shop&operation=GET%20%2F');
    expect(body.decisions).toMatchObject([
      { operation: 'GET /', history: [{ probability: 0.00001, rule: 'lowered', version: 3 }] },
    ]);
  });

  test('are those of the store where nothing was decided here', async () => {
    const stored = { ...roundOf({ version: 7 }), decisions: [decisionOf({ operation: 'stored elsewhere' })] };
    let isAway = false;
    const store: Pick<SamplingStore, 'latestDecisions' | 'throughput' | 'insertDecisions'> = {
      latestDecisions: () =>
        isAway ? Promise.reject(new Error('the database is away')) : Promise.resolve(stored),
      throughput: () => Promise.resolve([]),
      insertDecisions: () => Promise.resolve(),
    };
    const { asked, ask } = await start(
      { adaptive: { sampling_store: 'clickhouse', algorithm: 'jaeger' } },
      { 'exporter:clickhouse': { samplingStore: store } },
    );
    expect((await asked('/api/v1/sampling/decisions')).body).toMatchObject({
      decisions: [{ operation: 'stored elsewhere' }],
    });
    isAway = true;
    expect((await ask('/api/v1/sampling/decisions?service=shop')).status).toBe(200);
  });

  test('there are none where a file says what is served', async () => {
    const { asked } = await start({ file: {} });
    expect((await asked('/api/v1/sampling/decisions')).body).toEqual({
      algorithm: null,
      mode: null,
      version: 0,
      matching: 0,
      decisions: [],
    });
  });

  test('can only be read', async () => {
    const { ask } = await start(ADAPTIVE);
    expect((await ask('/api/v1/sampling/decisions', 'POST')).status).toBe(405);
  });
});

test('who polls is told by service and address', async () => {
  const { ask, asked } = await start(ADAPTIVE);
  await ask('/sampling?service=shop');
  await ask('/sampling?service=bank');
  expect((await asked('/api/v1/sampling/pollers')).body).toMatchObject({
    services: [{ service: 'shop', pollers: [{ address: '127.0.0.1', polls: 1 }] }, { service: 'bank' }],
    evictedPollers: 0,
  });
  expect((await asked('/api/v1/sampling/pollers?service=shop')).body).toMatchObject({
    services: [{ service: 'shop' }],
  });
});
