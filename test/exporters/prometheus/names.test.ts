import { expect, test } from 'vitest';
import { escapeName, labelName, metricNames, quoteName } from '../../../src/exporters/prometheus/names.ts';

const plain = { suffixes: true, utf8: false, namespace: '' };

test.each([
  [{ namespace: 'traces.span.metrics', unit: 'ms' as const }, plain, 'traces_span_metrics_calls_total'],
  [{ namespace: 'a..b', unit: 'ms' as const }, plain, 'a_b_calls_total'],
  [{ namespace: '1st', unit: 'ms' as const }, plain, '_1st_calls_total'],
  [{ namespace: 'total', unit: 'ms' as const }, plain, 'calls_total'],
  [{ namespace: 'x', unit: 'ms' as const }, { ...plain, namespace: 'own' }, 'own_x_calls_total'],
  [{ namespace: 'a__b', unit: 'ms' as const }, { ...plain, suffixes: false }, 'a__b_calls'],
  [{ namespace: 'a.b', unit: 'ms' as const }, { ...plain, suffixes: false, utf8: true }, 'a.b.calls'],
  [{ namespace: 'a.b', unit: 'ms' as const }, { ...plain, utf8: true, namespace: 'o' }, 'o_a.b.calls_total'],
])('%o under %o names calls %s', (description, translation, name) => {
  expect(metricNames(description, translation).calls).toBe(name);
});

test('the unit is appended unless the name has it', () => {
  expect(metricNames({ namespace: '', unit: 's' }, plain).duration).toBe('duration_seconds');
  expect(metricNames({ namespace: 'seconds', unit: 's' }, plain).duration).toBe('seconds_duration');
  expect(metricNames({ namespace: '', unit: 'ms' }, { ...plain, suffixes: false }).duration).toBe('duration');
});

test.each([
  ['http.request.method', 'http_request_method'],
  ['1st-thing', 'key_1st_thing'],
  ['a__b', 'a__b'],
  ['région', 'r_gion'],
  ['🐙', '_'],
])('label %s becomes %s', (name, label) => {
  expect(labelName(name, false)).toBe(label);
  expect(labelName(name, true)).toBe(name);
});

test.each([
  ['underscores', 'a.b_c', 'a_b_c'],
  ['underscores', '1é', '__'],
  ['dots', 'a.b_c', 'a_dot_b__c'],
  ['dots', 'aé', 'a__'],
  ['values', 'a_b', 'a_b'],
  ['values', 'a.b_é', 'U__a_2e_b___e9_'],
  ['allow-utf-8', 'a.é', 'a.é'],
] as const)('%s escapes %s as %s', (escaping, name, escaped) => {
  expect(escapeName(name, escaping)).toBe(escaped);
});

test('names that classic Prometheus does not allow are quoted', () => {
  expect(quoteName('a_b:c')).toBe('a_b:c');
  expect(quoteName('a.b"c')).toBe('"a.b\\"c"');
});
