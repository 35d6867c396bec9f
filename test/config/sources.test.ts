import { expect, test } from 'vitest';
import { loaded, problems } from './table.ts';

const BASE = `receivers: {kafka: {group_id: base, brokers: [a:1, b:2]}}
exporters: {nop: }
service: {pipelines: {traces: {receivers: [kafka], exporters: [nop]}}}
`;

function kafka(
  configs: readonly string[],
  given: { env?: Record<string, string>; sets?: string[] } = {},
): unknown {
  const files = {
    'b.yaml': 'receivers: {kafka: {brokers: [c:3], initial_offset: earliest}}\n',
    'null.yaml': 'receivers: {kafka: }\n',
  };
  return loaded(BASE, { configs, files, ...given }).receivers['kafka']?.config;
}

test('later sources win: maps merge, lists replace', () => {
  expect(kafka(['a.yaml', 'file:b.yaml'])).toMatchObject({
    group_id: 'base',
    brokers: ['c:3'],
    initial_offset: 'earliest',
  });
});

test('a null replaces what was there', () => {
  expect(kafka(['a.yaml', 'null.yaml'])).toMatchObject({ group_id: 'otel-collector' });
});

test('env: and yaml: are sources too, with :: between keys', () => {
  const env = { MORE: 'receivers: {kafka: {group_id: from-env}}' };
  expect(kafka(['a.yaml', 'env:MORE'], { env })).toMatchObject({ group_id: 'from-env' });
  expect(kafka(['a.yaml', 'yaml:receivers::kafka::group_id: inline'])).toMatchObject({ group_id: 'inline' });
});

test('--set comes last, its value is YAML and may be expanded', () => {
  const sets = ['receivers.kafka.brokers=[x:1]', 'receivers.kafka.group_id=${env:G}'];
  expect(kafka(['a.yaml', 'b.yaml'], { sets, env: { G: 'set' } })).toMatchObject({
    brokers: ['x:1'],
    group_id: 'set',
  });
});

test('mistakes name the source that holds them', () => {
  const given = {
    configs: ['a.yaml', 'yaml:receivers::kafka::max_fetch_size: 0'],
    sets: ['receivers.kafka.initial_offset=no', 'oops'],
  };
  expect(problems(BASE, given)).toEqual([
    '--set oops: found "oops", expected a.b.c=value',
    '--set receivers.kafka.initial_offset: receivers.kafka.initial_offset: found "no", expected one of latest, earliest',
    'yaml:1:35: receivers.kafka.max_fetch_size: found 0, expected at least 1',
  ]);
});

test('a source that can not be read is all that is told', () => {
  expect(problems('nonsense: 1\n', { configs: ['a.yaml', 'http://x', 'env:GONE', 'gone.yaml'] })).toEqual([
    'http://x: found the scheme "http", expected a path, file:, env: or yaml:',
    'env:GONE: the environment variable GONE is not set',
    "gone.yaml: can't be read: no such file: gone.yaml",
  ]);
});

test('anchors and merge keys of YAML work', () => {
  const text = `receivers:
  kafka: &k {group_id: one, max_fetch_size: 5}
  kafka/2: {<<: *k, group_id: two}
exporters: {nop: }
service: {pipelines: {traces: {receivers: [kafka, kafka/2], exporters: [nop]}}}
`;
  expect(loaded(text).receivers['kafka/2']?.config).toMatchObject({ group_id: 'two', max_fetch_size: 5 });
});
