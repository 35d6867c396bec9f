import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { callsBySeries, differences } from '../../../bench/support/compare.ts';
import { scrape, total } from '../../../bench/support/exposition.ts';
import { committedMessages, fillTopic } from '../../../bench/support/topic.ts';
import { Workload } from '../../../bench/workload.ts';
import { run } from '../../../scripts/parts/child.mjs';
import { ensureCollector } from '../../../scripts/parts/collector.mjs';
import type {} from '../../support/context.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { freeAddress, runToEnd, startEngine } from './engine.ts';

/** Runs in the OpenTelemetry Collector as it stands. */
const FILE = `
receivers:
  kafka:
    brokers: [localhost:9092]
    group_id: g1
    initial_offset: earliest
    traces:
      topics: [otlp_spans]
      encoding: otlp_proto
connectors:
  span_metrics: {}
exporters:
  prometheus:
    endpoint: 127.0.0.1:8889
service:
  pipelines:
    traces:
      receivers: [kafka]
      exporters: [span_metrics]
    metrics:
      receivers: [span_metrics]
      exporters: [prometheus]
`;
const OLD_NAME = FILE.replaceAll('span_metrics', 'spanmetrics');

const brokers = inject('kafkaBrokers');
const topic = uniqueName('exact');
const workload = new Workload({ spans: 4000, startNs: BigInt(Date.now() - 60_000) * 1_000_000n });

/** Building the collector takes minutes on a new machine. */
const BUILD_MS = 25 * 60_000;

beforeAll(() => fillTopic(brokers, topic, { partitions: 4, workload }));

describe.each([
  ['span_metrics', FILE],
  ['its old name spanmetrics', OLD_NAME],
])('the file of the collector with %s', (_, text) => {
  test('is right', async () => {
    const verdict = await runToEnd(['validate', '--config', `yaml:${text}`], { dir: tempDirOfTest() });
    expect(verdict).toEqual({ code: 0, log: 'The configuration is right.\n', offspring: [] });
  });

  test('is right for the collector, too', { timeout: BUILD_MS }, async () => {
    const file = join(tempDirOfTest(), 'collector.yaml');
    writeFileSync(file, text);
    await run(await ensureCollector(), ['validate', `--config=${file}`]);
  });

  test('reads the topic and shows every span in its series, whatever is substituted for the addresses', async () => {
    const address = await freeAddress();
    const group = uniqueName('g1');
    const config = text
      .replace('localhost:9092', brokers.join())
      .replace('127.0.0.1:8889', `\${env:ADDRESS:-127.0.0.1:8889}`)
      .replace('otlp_spans', topic)
      .replace('g1', group);
    await startEngine({
      dir: tempDirOfTest(),
      config,
      set: { 'service.telemetry.metrics.level': 'none' },
      env: { ADDRESS: address },
    });
    const { ledger } = workload;
    await waitFor(
      'all is committed',
      async () => (await committedMessages(brokers, group, topic)) === ledger.messages,
    );
    const samples = await waitFor('every span', async () => {
      const seen = await scrape(`http://${address}/metrics`);
      return total(seen, 'traces_span_metrics_calls_total') >= ledger.spans && seen;
    });
    expect(differences(ledger, callsBySeries(samples))).toEqual([]);
    expect(total(samples, 'traces_span_metrics_duration_milliseconds_count')).toBe(4000);
  });
});

test('a wrong file is told whole, with places and the nearest right names, and nothing is started', async () => {
  const dir = tempDirOfTest();
  const wrong = FILE.replace('initial_offset: earliest', 'initial_ofset: earliest')
    .replace('encoding: otlp_proto', 'encoding: otlp_prot')
    .replace('  prometheus:', '  prometeus:');
  const { code, log } = await runToEnd(['--config', `yaml:${wrong}`], { dir: join(dir, 'wrong') });
  expect(code).toBe(3);
  expect(log).toMatch(/:6:5.*initial_ofset.*initial_offset/);
  expect(log).toMatch(/:9:17.*otlp_prot.*otlp_proto/s);
  expect(log).toMatch(/:13:3.*prometeus.*prometheus/s);
});
