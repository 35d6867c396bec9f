import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { run } from '../../../scripts/parts/child.mjs';
import { startPrometheus } from '../../../scripts/parts/prometheus.mjs';
import type {} from '../../support/context.ts';

/** A Prometheus of one's own, filled with the past. */
export interface FilledPrometheus {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** How long ago it begins. */
const FILLED_S = 65 * 60;
const EVERY_S = 30;

/**
 * The counters of an engine's pages as they are when an hour of spans is in, laid over the past: they grow from nothing,
 * every 30 s by as much, so that each rate is known. It scrapes `target` from now on.
 */
export async function fillPrometheus(options: {
  readonly dir: string;
  readonly pages: readonly string[];
  readonly untilMs: number;
  readonly target: string;
}): Promise<FilledPrometheus> {
  const { dir, pages, untilMs, target } = options;
  const samples = pages.flatMap(samplesOf);
  const lines: string[] = [];
  const untilS = Math.floor(untilMs / 1000);
  for (let ago = FILLED_S; ago >= 0; ago -= EVERY_S) {
    const hours = (FILLED_S - ago) / 3600;
    for (const { series, value } of samples) lines.push(`${series} ${value * hours} ${untilS - ago}`);
  }
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'page.om');
  writeFileSync(file, `${lines.join('\n')}\n# EOF\n`);
  await run(inject('promtool'), ['tsdb', 'create-blocks-from', 'openmetrics', file, join(dir, 'tsdb')]);
  const flags = ['--enable-feature=exemplar-storage', '--storage.tsdb.retention.time=30d'];
  return await startPrometheus({ dir, targets: [target], flags });
}

/** Counters and histograms, by their TYPE lines; target_info and the like stay out. */
export function samplesOf(page: string): { series: string; value: number }[] {
  const growing = new Set<string>();
  for (const [, name, type] of page.matchAll(/^# TYPE (\S+) (\w+)$/gm)) {
    if (type === 'counter') growing.add(name as string);
    if (type === 'histogram') for (const part of ['bucket', 'sum', 'count']) growing.add(`${name}_${part}`);
  }
  return page.split('\n').flatMap((line) => {
    const [, series, name, value] = /^((\w+)(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?) (\S+)/.exec(line) ?? [];
    return series !== undefined && growing.has(name as string) ? [{ series, value: Number(value) }] : [];
  });
}
