import { expect, test } from 'vitest';
import { parseDurationMs } from '../../../src/base/duration.ts';
import { roundTimes } from '../../../src/extensions/remote-sampling/adaptive/adaptive-config.ts';
import { jaegerOptions } from '../../../src/extensions/remote-sampling/adaptive/create-controller.ts';
import { remoteSamplingConfig } from '../../../src/extensions/remote-sampling/config.ts';
import { adaptiveOptionsError, DEFAULT_ADAPTIVE_OPTIONS } from '../../../src/sampling/jaeger/options.ts';
import {
  DEFAULT_INCREASE_CAP,
  FLOAT_EPSILON,
  INCREASE_CAP,
  MAX_PROBABILITY,
  SERVICE_CACHE_SIZE,
} from '../../../src/sampling/jaeger/recompute.ts';
import { MAX_PROBABILITIES } from '../../../src/sampling/roots/throughput-entries.ts';
import { eachCase, type Json, known, type Runner } from './section.ts';

function adaptiveDefaults() {
  const block = { sampling_store: 'some', algorithm: 'jaeger' };
  const { adaptive } = remoteSamplingConfig.parse({ adaptive: block });
  if (adaptive === undefined) throw new Error('adaptive is there');
  const { intervalMs, delayMs } = roundTimes(adaptive);
  return { ...adaptive, calculation_interval: intervalMs, calculation_delay: delayMs };
}

const CONSTANTS: Readonly<Record<string, number>> = {
  max_sampling_probability: MAX_PROBABILITY,
  percentage_increase_cap_used: INCREASE_CAP,
  percentage_increase_cap_when_zero: DEFAULT_INCREASE_CAP,
  max_probabilities_per_throughput: MAX_PROBABILITIES,
  service_cache_size: SERVICE_CACHE_SIZE,
  float_equals_epsilon: FLOAT_EPSILON,
};

/** Leases, Elasticsearch and Cassandra: not here. A follower here reads nothing back. */
const CONSTANTS_OUT_OF_SCOPE = [
  'follower_probability_refresh',
  'leader_lock_resource',
  'es_lookback',
  'cassandra_lock_default_ttl_s',
];

/** Jaeger v1's flags that are spelt otherwise. */
const FLAG_OPTIONS: Readonly<Record<string, string>> = {
  'buckets-for-calculation': 'calculation_buckets',
  delay: 'calculation_delay',
};

function defaults(section: Json): void {
  const actual: Record<string, unknown> = { ...adaptiveDefaults() };
  const expectDefault = (name: string, wanted: string | number): void => {
    const number = typeof wanted === 'number' || /^[\d.e-]+$/.test(wanted);
    expect(actual[name], name).toBe(number ? Number(wanted) : parseDurationMs(wanted as string));
  };
  for (const [name, wanted] of Object.entries(section.options ?? {})) {
    test(`option ${name}`, () => expectDefault(name, wanted as string | number));
  }
  for (const [flag, wanted] of Object.entries(section.v1_cli_flags ?? {})) {
    const name = flag.replace('--sampling.', '');
    test(`flag ${flag}`, () =>
      expectDefault(FLAG_OPTIONS[name] ?? name.replaceAll('-', '_'), wanted as string));
  }
  for (const [name, wanted] of Object.entries(section.constants ?? {})) {
    if (CONSTANTS_OUT_OF_SCOPE.includes(name)) continue;
    test(`constant ${name}`, () => expect(known(CONSTANTS, name)).toBe(wanted));
  }
  test('are those of the algorithm itself', () => {
    expect(jaegerOptions(adaptiveDefaults())).toEqual(DEFAULT_ADAPTIVE_OPTIONS);
  });
}

function milliseconds(value: string | number): number {
  return typeof value === 'number' ? value : (parseDurationMs(value) as number);
}

function constructorError(each: Json): void {
  const { calculation_interval: interval, aggregation_buckets: aggregationBuckets } = each;
  const message = adaptiveOptionsError({
    calculationIntervalMs: milliseconds(interval),
    aggregationBuckets,
    calculationBuckets: each.calculation_buckets ?? 1,
  });
  expect(message).toBe(each.error);
  const { src: _src, error: _error, ...settings } = each;
  expect(messagesOf({ adaptive: { sampling_store: 'some', ...settings } })).toContain(each.error);
}

function messagesOf(config: Json): string[] {
  const { error } = remoteSamplingConfig.safeParse(config);
  return error?.issues.map(({ message }) => message) ?? [];
}

function configValidation(each: Json): void {
  const messages = messagesOf(each.config);
  if (each.error === null) expect(messages).toEqual([]);
  else if (each.error_contains !== undefined) expect(messages.join('\n')).toContain(each.error_contains);
  else expect(messages).toContain(each.error);
}

export const settingsSections: Readonly<Record<string, Runner>> = {
  defaults,
  constructor_errors: eachCase(constructorError),
  config_validation: eachCase(configValidation),
};
