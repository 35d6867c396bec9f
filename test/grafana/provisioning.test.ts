import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { UIDS } from '../../grafana/source/links.ts';
import { committedBoards } from '../support/boards.ts';

const FOLDER = join(import.meta.dirname, '../../grafana/provisioning');
const textOf = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

interface Source {
  readonly name: string;
  readonly uid: string;
  readonly type: string;
  readonly jsonData: {
    readonly exemplarTraceIdDestinations?: readonly { url?: string; datasourceUid?: string }[];
  };
}

const SOURCES = (parse(textOf('datasources/spanweir.yaml')) as { datasources: Source[] }).datasources;

test('there is a data source of every kind that a dashboard asks for', () => {
  const asked = committedBoards().flatMap(({ templating }) =>
    templating.list.flatMap(({ type, query }) => (type === 'datasource' ? [query] : [])),
  );
  const provided = SOURCES.map(({ type }) => type);
  expect(new Set(asked)).toEqual(new Set(['prometheus', 'grafana-clickhouse-datasource']));
  expect(provided).toEqual(['prometheus', 'grafana-clickhouse-datasource', 'jaeger']);
});

test('exemplars lead to a dashboard and a data source that there are', () => {
  const [first, second] = SOURCES[0]?.jsonData.exemplarTraceIdDestinations ?? [];
  expect(first?.url).toBe(`/d/${UIDS.traces}?var-trace_id=$\${__value.raw}`);
  expect(SOURCES.map(({ uid }) => uid)).toContain(second?.datasourceUid);
});

test('dollar signs that Grafana must not expand are doubled', () => {
  const single = /(?<!\$)\$(?!\$)/;
  for (const line of textOf('datasources/spanweir.yaml').split('\n')) {
    if (!line.trim().startsWith('#')) expect(line.replaceAll('$$', '')).not.toMatch(single);
  }
});

test('links between dashboards lead to dashboards that there are', () => {
  const known: readonly string[] = committedBoards().map(({ uid }) => uid);
  expect([...known].sort()).toEqual(Object.values(UIDS).sort());
  const links = committedBoards().flatMap((board) => [...JSON.stringify(board).matchAll(/\/d\/([\w-]+)/g)]);
  expect(links.length).toBeGreaterThan(10);
  for (const [, uid] of links) expect(known).toContain(uid);
});
