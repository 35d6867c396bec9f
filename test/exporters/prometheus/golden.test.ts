import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { request } from './golden/spans.ts';
import { variants } from './golden/variants.ts';
import { harness } from './harness.ts';

/**
 * Where we knowingly differ from the collector: a service.name that is a number reads as '' there in
 * service_name but as 5 in job (ours: '' in both), and labels that become one when escaped are shown twice,
 * for which Prometheus refuses the page (ours: joined). It adds up seconds as floats, we add up nanoseconds:
 * sums are equal to twelve digits. It does not say when a series began; we do, in OpenMetrics.
 */
function asOurs(line: string): string {
  return line
    .replace('{job="5",', '{job="",')
    .replace(',job="5",', ',job="",')
    .replace('a_b="1",a_b="2"', 'a_b="1;2"')
    .replace(/(?<=_sum.*\} )\d\.\d{15,}$/, (sum) => String(Number(Number(sum).toPrecision(12))));
}

function linesOf(page: string): string[] {
  return page
    .split('\n')
    .filter((line) => line !== '' && !/^\{?"?[\w.-]+_created["{]/.test(line))
    .map(asOurs)
    .sort();
}

test.each(variants)(
  'shows what the collector shows: $name',
  async ({ name, connector, exporter, accept }) => {
    const golden = readFileSync(new URL(`golden/${name}.txt`, import.meta.url), 'utf8');
    const [first, ...rest] = golden.split('\n');
    const own = harness({ connectors: { span_metrics: connector }, exporter });
    own.ingest(request);
    await own.start();
    try {
      const response = await own.scrape({ accept });
      expect(`# content-type: ${response.headers.get('content-type')}`).toBe(first);
      expect(linesOf(await response.text())).toEqual(linesOf(rest.join('\n')));
    } finally {
      await own.stop();
    }
  },
);
