import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openKafka } from '../../scripts/parts/kafka.mjs';
import { startPrometheus } from '../../scripts/parts/prometheus.mjs';
import { startClickHouse } from './clickhouse.ts';
import type {} from './context.ts';
import { makeTempDir } from './temp-dir.ts';

/**
 * Brings up one real Kafka, ClickHouse and Prometheus for all integration tests, side by side, on free ports
 * and in a folder of their own. A part that can't be had fails the run: a skipped test would look like a
 * passed one.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = makeTempDir('spanweir-parts-');
  const starts = [
    openKafka({ dir: join(dir, 'kafka') }),
    openClickHouse(join(dir, 'clickhouse')),
    startPrometheus({ dir: join(dir, 'prometheus') }),
  ] as const;
  const teardown = async (): Promise<void> => {
    const started = await Promise.allSettled(starts);
    const running = started.filter((part) => part.status === 'fulfilled');
    await Promise.allSettled(running.map((part) => part.value.stop()));
    if (process.env.SPANWEIR_KEEP_PARTS === undefined) rmSync(dir, { recursive: true, force: true });
  };
  const failures = (await Promise.allSettled(starts)).filter((part) => part.status === 'rejected');
  if (failures.length > 0) {
    await teardown();
    throw new Error(failures.map(({ reason }) => reasonOf(reason)).join('\n'));
  }
  const [kafka, clickhouse, prometheus] = await Promise.all(starts);
  project.provide('kafkaBrokers', kafka.brokers);
  project.provide('clickhouseUrl', clickhouse.url);
  project.provide('prometheusUrl', prometheus.url);
  project.provide('promtool', prometheus.promtool);
  project.provide('scrapeTargetsDir', prometheus.targetsDir);
  const pids = {
    kafka: kafka.child?.pid,
    clickhouse: clickhouse.pid(),
    prometheus: prometheus.child.pid,
  };
  project.provide('partPids', pids);
  return teardown;
}

/** The server of CLICKHOUSE_URL if that is set, otherwise one started here. */
async function openClickHouse(dir: string) {
  const url = process.env.CLICKHOUSE_URL;
  if (url) return { url, pid: () => undefined, stop: async () => undefined };
  return await startClickHouse({ dir });
}

function reasonOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
