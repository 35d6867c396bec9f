import { expect, test } from 'vitest';
import { acceptsGzip, contentType, negotiate } from '../../../src/exporters/prometheus/negotiate.ts';

const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';

const PROTOBUF =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores';
/** With --enable-feature=native-histograms. */
const PROMETHEUS_2_NATIVE = `application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,${PROMETHEUS_2}`;

test.each([
  [PROMETHEUS_2_NATIVE, PROTOBUF],
  ['application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text', TEXT],
  ['application/vnd.google.protobuf', TEXT],
  [undefined, TEXT],
  ['', TEXT],
  ['*/*', TEXT],
  ['application/json', TEXT],
  ['text/plain', TEXT],
  [PROMETHEUS_2, 'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores'],
  [PROMETHEUS_3, 'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8'],
  [
    'application/openmetrics-text',
    'application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=underscores',
  ],
  ['text/plain;q=0.9,application/openmetrics-text;version=1.0.0;q=0.1', TEXT],
  ['application/openmetrics-text;version=9', TEXT],
  ['text/plain;version=0.0.4;escaping=dots', 'text/plain; version=0.0.4; charset=utf-8; escaping=dots'],
  ['text/plain;escaping=nonsense', TEXT],
])('to %s with OpenMetrics on, the answer is %s', (accept, type) => {
  expect(contentType(negotiate(accept, true))).toBe(type);
});

test('without enable_open_metrics the answer is text', () => {
  expect(contentType(negotiate(PROMETHEUS_2, false))).toBe(TEXT);
});

test.each([
  [undefined, false],
  ['', false],
  ['gzip', true],
  ['deflate, gzip;q=0.5', true],
  ['gzip;q=0', false],
  ['*', true],
  ['gzip;q=0, *', false],
  ['identity', false],
])('Accept-Encoding %s takes gzip: %s', (header, takes) => {
  expect(acceptsGzip(header)).toBe(takes);
});
