import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import {
  fillIn,
  readMigrations,
  SQL_FOLDER,
  splitStatements,
  TABLE_TTLS_MS,
  ttlExpression,
} from '../../src/clickhouse/migrations.ts';
import { clickHouseExporterConfig } from '../../src/exporters/clickhouse/config.ts';
import { tempDirOfTest } from '../support/temp-dir.ts';

const settings = { database: 'spans', spansTtlMs: 86_400_000 };

test('statements end with a semicolon at the end of a line; comments alone are none', () => {
  const text = "-- why\n\nCREATE x; -- not an end\nAS 'a;b';\n\nSELECT 1 ;  \n-- the end\n";
  expect(splitStatements(text)).toEqual(["-- why\n\nCREATE x; -- not an end\nAS 'a;b'", 'SELECT 1']);
});

test('the database and the TTL are filled in', () => {
  const text = 'CREATE TABLE {{DB}}.t\n{{SPANS_TTL toDate(Timestamp)}}\nSETTINGS x = 1';
  expect(fillIn(text, settings)).toBe(
    'CREATE TABLE `spans`.t\nTTL toDate(Timestamp) + toIntervalSecond(86400)\nSETTINGS x = 1',
  );
  expect(fillIn(text, { database: 'spans', spansTtlMs: 0 })).toBe('CREATE TABLE `spans`.t\nSETTINGS x = 1');
});

test('each table has its own TTL: the usual one, or what is configured, or none', () => {
  const text = 'x\n{{TTL span_metrics_10s toDate(Ts)}}\ny';
  expect(fillIn(text, settings)).toBe('x\nTTL toDate(Ts) + toIntervalSecond(259200)\ny');
  const week = { ...settings, tableTtlsMs: { span_metrics_10s: 7 * 86_400_000 } };
  expect(fillIn(text, week)).toBe('x\nTTL toDate(Ts) + toIntervalSecond(604800)\ny');
  expect(fillIn(text, { ...settings, tableTtlsMs: { span_metrics_10s: 0 } })).toBe('x\ny');
});

test('every table with a TTL of its own can be configured', () => {
  const named = readMigrations(settings).flatMap(({ name }) => [
    ...readFileSync(new URL(name, SQL_FOLDER), 'utf8').matchAll(/\{\{TTL (\w+) toDate\(Ts\)\}\}/g),
  ]);
  expect(new Set(named.map(([, table]) => table))).toEqual(new Set(Object.keys(TABLE_TTLS_MS)));
  const { spans: _, ...tables } = clickHouseExporterConfig.parse({}).ttl;
  expect(tables).toEqual(TABLE_TTLS_MS);
});

test('the log is kept 30 days at least, and as long as the spans', () => {
  expect(ttlExpression('LOG', 'Day', 86_400_000)).toBe('Day + toIntervalSecond(2592000)');
  expect(ttlExpression('LOG', 'Day', 40 * 86_400_000)).toBe('Day + toIntervalSecond(3456000)');
  expect(ttlExpression('LOG', 'Day', 0)).toBeUndefined();
});

test('the shipped files are numbered from 1 without a gap, and open with why', () => {
  const migrations = readMigrations(settings);
  expect(migrations.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5]);
  for (const { statements } of migrations) expect(statements[0]).toMatch(/^-- /);
});

test('a file with another name or a number that is taken is refused', () => {
  const path = tempDirOfTest();
  const folder = pathToFileURL(`${path}/`);
  writeFileSync(join(path, '001_a.sql'), 'SELECT 1;\n');
  writeFileSync(join(path, '001_b.sql'), 'SELECT 1;\n');
  expect(() => readMigrations(settings, folder)).toThrow('two files with the number 1');
  writeFileSync(join(path, '1_c.sql'), 'SELECT 1;\n');
  expect(() => readMigrations(settings, folder)).toThrow('sql/1_c.sql is not called NNN_words.sql');
});
