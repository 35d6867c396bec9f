import { type HarnessOptions, harness } from '../../exporters/prometheus/harness.ts';
import { encodeProto, type TestResource } from '../../support/spans.ts';

/** One line of a page. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What the exporter shows after these blocks, one after the other. */
export async function metricsOf(
  blocks: readonly (readonly TestResource[])[],
  options: HarnessOptions = {},
): Promise<Sample[]> {
  const own = harness(options);
  for (const block of blocks) own.ingestProto(encodeProto(block));
  await own.start();
  try {
    return samplesOf(await (await own.scrape()).text());
  } finally {
    await own.stop();
  }
}

/** Reads text 0.0.4, escapes left as they are. */
export function samplesOf(page: string): Sample[] {
  return page
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = /^([^{]*)\{(.*)\} (\S+)$/.exec(line);
      if (match === null) throw new Error(`not a sample: ${line}`);
      const pairs = (match[2] as string).matchAll(/([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"/g);
      const labels = Object.fromEntries(
        Array.from(pairs, ([, name, value]) => [name, value] as [string, string]),
      );
      return {
        name: match[1] as string,
        labels,
        value: Number((match[3] as string).replace('Inf', 'Infinity')),
      };
    });
}

export function named(samples: readonly Sample[], name: string): Sample[] {
  return samples.filter((sample) => sample.name === name);
}

export const CALLS = 'traces_span_metrics_calls_total';
export const DURATION = 'traces_span_metrics_duration_milliseconds';
