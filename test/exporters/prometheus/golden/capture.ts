/**
 * Captures what the OpenTelemetry Collector's Prometheus exporter shows for `spans.ts`, one file per variant:
 * `npx tsx test/exporters/prometheus/golden/capture.ts PATH_OF_OTELCOL`.
 * Its random collector_instance_id is taken out; timestamps of OpenMetrics' _created lines become 0.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from './spans.ts';
import { type Variant, variants } from './variants.ts';

const collector = process.argv[2];
const only = process.argv[3];
if (collector === undefined) throw new Error('give the path of the collector binary');

async function capture(program: string, variant: Variant, ports: [number, number]): Promise<void> {
  const [otlp, prometheus] = ports;
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } } },
    connectors: { span_metrics: { metrics_flush_interval: '500ms', ...variant.connector } },
    exporters: { prometheus: { endpoint: `127.0.0.1:${prometheus}`, ...variant.exporter } },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: {
        traces: { receivers: ['otlp'], exporters: ['span_metrics'] },
        metrics: { receivers: ['span_metrics'], exporters: ['prometheus'] },
      },
    },
  };
  const file = join(mkdtempSync(join(tmpdir(), 'golden-')), 'config.yaml');
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(program, ['--config', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    await until(async () => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify(request);
      return (await fetch(`http://127.0.0.1:${otlp}/v1/traces`, { method: 'POST', headers, body })).ok;
    });
    const scrape = async (): Promise<Response> =>
      fetch(`http://127.0.0.1:${prometheus}/metrics`, { headers: { accept: variant.accept } });
    // The first flush of a series shows calls 0; a later one the true count.
    await until(async () => /calls.*weighted.*} 6/.test(await (await scrape()).text()));
    const response = await scrape();
    const body = (await response.text())
      .replaceAll(/[,{]"?collector[._]{1,2}instance[._]{1,2}id"?="[^"]*"/g, (found) =>
        found[0] === '{' ? '{' : '',
      )
      .replaceAll('{,', '{')
      .replaceAll(/^(.*_created[{ ].*?) [\d.e+]+$/gm, '$1 0');
    const golden = `# content-type: ${response.headers.get('content-type')}\n${body}`;
    writeFileSync(new URL(`${variant.name}.txt`, import.meta.url), golden);
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  }
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    if (await done().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('gave up waiting');
}

for (const [i, variant] of variants.entries()) {
  if (only !== undefined && only !== variant.name) continue;
  process.stdout.write(`${variant.name}\n`);
  await capture(collector, variant, [24_100 + i, 24_200 + i]);
}
