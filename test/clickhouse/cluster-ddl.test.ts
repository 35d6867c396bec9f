import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type ClusterLayout, clusterStatements } from '../../src/clickhouse/cluster-ddl.ts';
import { readMigrations } from '../../src/clickhouse/migrations.ts';

const EXPECTED = new URL('./cluster-schema.sql', import.meta.url);
const replicated: ClusterLayout = { name: 'main', onCluster: true, replicated: true };
const plain: ClusterLayout = { name: 'main', onCluster: false, replicated: false };

/** Without the comments, which are those of sql/. */
function rendered(cluster: ClusterLayout): string {
  const migrations = readMigrations({ database: 'shop', spansTtlMs: 86_400_000, cluster });
  const statements = migrations.flatMap((migration) => migration.statements);
  const lines = statements.flatMap((statement) => `${statement};\n`.split('\n'));
  return lines.filter((line) => !/^\s*--/.test(line)).join('\n');
}

test('the schema of a cluster of replicas is the one that was read and approved (test/clickhouse/cluster-schema.sql)', () => {
  expect(rendered(replicated)).toBe(readFileSync(EXPECTED, 'utf8'));
});

test('sent to each shard, a table becomes a local one with a Distributed one in front', () => {
  const statement =
    '-- why\nCREATE TABLE IF NOT EXISTS `shop`.t\n(\n    A UInt8\n)\nENGINE = MergeTree\nORDER BY A';
  expect(clusterStatements(statement, 'shop', plain)).toEqual([
    '-- why\nCREATE TABLE IF NOT EXISTS `shop`.t_local\n(\n    A UInt8\n)\nENGINE = MergeTree\nORDER BY A',
    "CREATE TABLE IF NOT EXISTS `shop`.t AS `shop`.t_local\nENGINE = Distributed('main', 'shop', 't_local')",
  ]);
});

test('a materialized view goes from local table to local table, a plain one reads all shards', () => {
  const carrying =
    'CREATE MATERIALIZED VIEW IF NOT EXISTS `shop`.v TO `shop`.b AS\nSELECT A FROM `shop`.a AS m';
  expect(clusterStatements(carrying, 'shop', plain)).toEqual([
    'CREATE MATERIALIZED VIEW IF NOT EXISTS `shop`.v TO `shop`.b_local AS\nSELECT A FROM `shop`.a_local AS m',
  ]);
  const asking = 'CREATE VIEW IF NOT EXISTS `shop`.v AS\nSELECT A FROM `shop`.a';
  expect(clusterStatements(asking, 'shop', plain)).toEqual([asking]);
});

test('the parameters of an engine stay behind those of its replication', () => {
  const statement =
    'CREATE TABLE IF NOT EXISTS `shop`.t (A UInt8)\nENGINE = ReplacingMergeTree(A)\nORDER BY A';
  expect(clusterStatements(statement, 'shop', replicated)[0]).toBe(
    'CREATE TABLE IF NOT EXISTS `shop`.t_local ON CLUSTER `main` (A UInt8)\n' +
      "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', A)\nORDER BY A",
  );
});

test('a statement of another kind is refused rather than run as it is', () => {
  expect(() => clusterStatements('ALTER TABLE `shop`.t ADD COLUMN B UInt8', 'shop', plain)).toThrow(
    "can't be run on a cluster",
  );
});
