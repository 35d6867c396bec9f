import { expect, test } from 'vitest';
import { remoteSamplingConfig } from '../../../src/extensions/remote-sampling/config.ts';

function messages(config: object): string[] {
  return (remoteSamplingConfig.safeParse(config).error?.issues ?? []).map(({ message }) => message);
}

const ADAPTIVE = { adaptive: { sampling_store: 'clickhouse' } };

test('servers listen on localhost only where their key is present', () => {
  expect(remoteSamplingConfig.parse(ADAPTIVE)).not.toHaveProperty('http');
  const { http, grpc } = remoteSamplingConfig.parse({ ...ADAPTIVE, http: {}, grpc: null });
  expect(http?.endpoint).toEqual({ host: 'localhost', port: 5778 });
  expect(grpc?.endpoint).toEqual({ host: 'localhost', port: 5779 });
});

test('more addresses can be named', () => {
  const { grpc } = remoteSamplingConfig.parse({ ...ADAPTIVE, grpc: { extra_endpoints: ['0.0.0.0:14250'] } });
  expect(grpc?.extra_endpoints).toEqual([{ host: '0.0.0.0', port: 14250 }]);
});

test('a provider has to be there', () => {
  expect(messages({ http: {} })).toEqual([
    "no sampling strategy provider specified, expecting 'adaptive' or 'file'",
  ]);
});

test('a reload interval below zero is refused in the words of Jaeger', () => {
  expect(messages({ file: { reload_interval: '-1s' } })).toEqual([
    'reload interval must be a positive value, or zero to disable automatic reloading',
  ]);
});

test('an interval shorter than the windows it is made of is refused', () => {
  expect(messages({ adaptive: { ...ADAPTIVE.adaptive, calculation_interval: '2s' } })).toEqual([
    'expected at least the length of a window',
  ]);
});
