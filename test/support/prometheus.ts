import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { run } from '../../scripts/parts/child.mjs';
import { uniqueName } from './topics.ts';
import { waitFor } from './wait.ts';

/** One series of an instant query. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ScrapeOptions {
  readonly labels?: Readonly<Record<string, string>>;
  /** Default /metrics. */
  readonly path?: string;
}

/**
 * Lets the shared Prometheus scrape host:port every second, with the label `scrape` = the returned name, and
 * waits for the first good scrape. Call `end` of the result when done.
 */
export async function scrape(
  address: string,
  options: ScrapeOptions = {},
): Promise<{ name: string; end: () => void }> {
  const name = uniqueName('scrape');
  const file = join(inject('scrapeTargetsDir'), `${name}.json`);
  const path = options.path === undefined ? {} : { __metrics_path__: options.path };
  const group = { targets: [address], labels: { ...options.labels, ...path, scrape: name } };
  writeFileSync(`${file}.new`, JSON.stringify([group]));
  renameSync(`${file}.new`, file);
  await waitFor(`a good scrape of ${address}`, async () => {
    const [up] = await promQuery(`up{scrape="${name}"}`);
    return up?.value === 1;
  });
  return { name, end: () => rmSync(file, { force: true }) };
}

/** An instant query on the shared Prometheus. Rejects with Prometheus' own words when it refuses. */
export async function promQuery(query: string): Promise<Sample[]> {
  const url = `${inject('prometheusUrl')}/api/v1/query?${new URLSearchParams({ query })}`;
  const answer = (await (await fetch(url)).json()) as QueryAnswer;
  if (answer.status !== 'success') throw new Error(`${query}: ${answer.error}`);
  return answer.data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
}

/** What `promtool check metrics` says of an exposition: empty when it has no complaint. */
export async function promtoolCheck(exposition: string): Promise<string> {
  try {
    await run(inject('promtool'), ['check', 'metrics'], { input: exposition });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

interface QueryAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly { metric: Record<string, string>; value: [number, string] }[] };
}
