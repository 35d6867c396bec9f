import { describe, expect, test } from 'vitest';
import {
  engineArguments,
  engineConfig,
  findEngine,
  noEngine,
  readinessQuery,
} from '../../src/clickhouse/embedded-engine.ts';

const settings = {
  directory: '/data/a<b',
  host: '127.0.0.1',
  httpPort: 8123,
  nativePort: 9000,
  maxServerMemoryBytes: 1 << 30,
};
const files = { config: '/data/embedded.xml', nonce: 'spanweir_x' };
const library = { kind: 'library', file: 'libchdb.so' } as const;
const binary = { kind: 'binary', file: 'clickhouse' } as const;

test('where npm has no library for the platform, a binary is tried', () => {
  expect(findEngine('sunos-sparc')).toEqual(binary);
  expect(noEngine('sunos-sparc')).toMatchObject({
    code: 'START',
    message: expect.stringContaining('set exporters.clickhouse.endpoint to the URL of a ClickHouse server'),
  });
});

describe('the library', () => {
  test('is told its ports, and sleeps in a query that bears the mark', () => {
    const list = engineArguments(library, settings, files);
    expect(list.slice(0, 7)).toEqual([
      'clickhouse',
      '--config-file=/data/embedded.xml',
      '--path=/data/a<b',
      '--http_port=8123',
      '--tcp_port=9000',
      '--listen_host=127.0.0.1',
      '--query',
    ]);
    expect(list[7]).toMatch(
      /^SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT sleepEachRow.* AS spanweir_x /,
    );
    expect(readinessQuery(library, 'spanweir_x')).toContain("LIKE 'SELECT sleepEachRow%spanweir_x%'");
  });

  test('gets caches that fit its memory', () => {
    const xml = engineConfig(library, settings, 'n');
    expect(xml).toContain('<max_server_memory_usage>1073741824</max_server_memory_usage>');
    expect(xml).toContain('<mark_cache_size>67108864</mark_cache_size>');
    expect(xml).not.toContain('<http_port>');
  });
});

test('a binary is told everything in its configuration', () => {
  expect(engineArguments(binary, settings, files)).toEqual(['server', '--config-file=/data/embedded.xml']);
  const xml = engineConfig(binary, settings, 'spanweir_x');
  expect(xml).toContain('<path>/data/a&lt;b/</path>');
  expect(xml).toContain('<http_port>8123</http_port>');
  expect(xml).toContain('<display_name>spanweir_x</display_name>');
  expect(xml).not.toContain('_log>');
  expect(readinessQuery(binary, 'spanweir_x')).toBe("SELECT toUInt8(displayName() = 'spanweir_x')");
});
