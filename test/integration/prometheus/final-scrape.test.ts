import { expect, test } from 'vitest';
import { freePort } from '../../../scripts/parts/ports.mjs';
import { COMPONENTS } from '../../../src/app/components.ts';
import { run } from '../../../src/app/run.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { encodeProto } from '../../support/spans.ts';
import { waitFor } from '../../support/wait.ts';
import { CALLS, named, samplesOf } from '../../vectors/span-metrics/metrics-of.ts';

async function engine(exporter: string) {
  const [otlp, prometheus] = [await freePort(), await freePort()];
  const config = loadConfig(
    {
      configs: [
        `yaml:
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${otlp}"}}}}
connectors: {span_metrics: }
exporters: {prometheus: {endpoint: "127.0.0.1:${prometheus}", ${exporter}}}
service:
  telemetry: {logs: {level: error}, metrics: {level: none}}
  spanweir: {workers: 1, shutdown_timeout: 30s}
  pipelines:
    traces: {receivers: [otlp], exporters: [span_metrics]}
    metrics: {receivers: [span_metrics], exporters: [prometheus]}
`,
      ],
      sets: [],
    },
    COMPONENTS,
    { variables: {} },
  );
  if ('problems' in config) throw new Error(config.problems.join('\n'));
  const stop = new AbortController();
  let ended: Promise<number> | undefined;
  await new Promise<void>((resolve, reject) => {
    ended = run(config, { stop: stop.signal, onReady: resolve });
    ended.catch(reject);
  });
  const send = (spans: number) =>
    fetch(`http://127.0.0.1:${otlp}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: encodeProto([{ service: 'shop', spans: Array.from({ length: spans }, () => ({ name: 'a' })) }]),
    });
  const calls = async (): Promise<number> => {
    const page = await (await fetch(`http://127.0.0.1:${prometheus}/metrics`)).text();
    return named(samplesOf(page), CALLS).reduce((sum, { value }) => sum + value, 0);
  };
  return { stop, ended, send, calls };
}

test('a stop waits until everyone who scrapes has come once more, and shows all that was counted', async () => {
  const { stop, ended, send, calls } = await engine('final_scrape_wait: 20s');
  expect((await send(3)).status).toBe(200);
  await calls();
  expect((await send(5)).status).toBe(200);
  stop.abort();
  const end = Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 300))]);
  expect(await end).toBeUndefined();
  expect(await calls()).toBe(8);
  expect(await ended).toBe(0);
});

test('without being asked to, a stop waits for nobody', async () => {
  const { stop, ended, send, calls } = await engine('');
  await send(3);
  await waitFor('the spans are shown', async () => (await calls()) === 3);
  const before = performance.now();
  stop.abort();
  expect(await ended).toBe(0);
  expect(performance.now() - before).toBeLessThan(5000);
});
