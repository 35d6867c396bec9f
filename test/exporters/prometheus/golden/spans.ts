/**
 * The spans behind the golden captures, as an OTLP/JSON request. Durations are chosen so that sums are exact
 * in any order, and weights so that the collector's random rounding has nothing to round.
 */
type Value =
  | { stringValue: string }
  | { intValue: string }
  | { doubleValue: number }
  | { boolValue: boolean }
  | { arrayValue: { values: Value[] } }
  | { kvlistValue: { values: Attribute[] } }
  | { bytesValue: string }
  | Record<string, never>;
interface Attribute {
  key: string;
  value: Value;
}
interface Span {
  traceId: string;
  spanId: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  status: { code?: number };
  traceState?: string;
}

const start = 1_700_000_000_000_000_000n;
let nextId = 1;

function span(
  name: string,
  kind: number,
  status: number,
  durationNs: bigint,
  more: Partial<Span> = {},
): Span {
  const id = (nextId++).toString(16).padStart(16, '0');
  return {
    traceId: id + id,
    spanId: id,
    name,
    kind,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + durationNs),
    attributes: [],
    status: status === 0 ? {} : { code: status },
    ...more,
  };
}

const text = (key: string, stringValue: string): Attribute => ({ key, value: { stringValue } });

function resource(attributes: Attribute[], spans: Span[]) {
  return { resource: { attributes }, scopeSpans: [{ scope: { name: 'lib', version: '1' }, spans }] };
}

const ms = 1_000_000n;

const shop = resource(
  [
    text('service.name', 'shop'),
    text('service.namespace', 'prod'),
    text('service.instance.id', 'i-1'),
    text('host.name', 'h1'),
    { key: 'process.pid', value: { intValue: '4711' } },
    text('a.b', '1'),
    text('a_b', '2'),
    text('tier', 'from-resource'),
  ],
  [
    span('GET /', 2, 0, 5n * ms, { attributes: [text('http.request.method', 'GET')] }),
    span('GET /', 2, 0, 7n * ms, { attributes: [text('http.request.method', 'GET')] }),
    span('GET /', 2, 0, 2n * ms, { attributes: [text('http.request.method', 'POST'), text('tier', 'gold')] }),
    span('GET /', 2, 0, 2n * ms + 1n, { attributes: [text('http.request.method', '')] }),
    span('GET /', 2, 2, 15_000n * ms),
    span('GET /', 3, 1, 15_001n * ms),
    span('weighted', 2, 0, 10n * ms, { traceState: 'ot=th:c' }),
    span('weighted', 2, 0, 20n * ms, { traceState: 'other=1,ot=rv:ffffffffffffff;th:8' }),
    span('unspecified', 0, 0, 1n * ms),
    span('internal', 1, 0, 1n * ms),
    span('producer', 4, 0, 1n * ms),
    span('consumer', 5, 0, 1n * ms),
  ],
);

const odd = resource(
  [text('service.name', 'odd "quotes" \\ back\nline')],
  [
    span('say "hi" \\ there\nnew\tline', 2, 0, 1n * ms),
    span('größe 🐙 日本', 2, 0, 1n * ms),
    span('', 2, 0, 1n * ms),
    span(' ', 2, 0, 1n * ms),
  ],
);

const times = resource(
  [text('service.name', 'times')],
  [
    span('zero', 2, 0, 0n),
    span('negative', 2, 0, -11n * ms),
    span('1ns', 2, 0, 1n),
    span('50ns', 2, 0, 50n),
    span('100ns', 2, 0, 100n),
    span('1us', 2, 0, 1000n),
    span('123456ns', 2, 0, 123_456n),
    span('999999ms', 2, 0, 999_999n * ms),
    span('1000000ms', 2, 0, 1_000_000n * ms),
    span('20999999ms', 2, 0, 20_999_999n * ms),
    span('21000000ms', 2, 0, 21_000_000n * ms),
    span('123456789ms', 2, 0, 123_456_789n * ms),
    span('1234567890123456789ns', 2, 0, 1_234_567_890_123_456_789n),
  ],
);

const kinds: Attribute[] = [
  text('mixed', 'text'),
  { key: 'mixed', value: { intValue: '-42' } },
  { key: 'mixed', value: { doubleValue: 99.99 } },
  { key: 'mixed', value: { doubleValue: 1e21 } },
  { key: 'mixed', value: { doubleValue: 5 } },
  { key: 'mixed', value: { doubleValue: 1e-7 } },
  { key: 'mixed', value: { doubleValue: 123456789 } },
  { key: 'mixed', value: { boolValue: true } },
  { key: 'mixed', value: { bytesValue: Buffer.from('bytes?').toString('base64') } },
  { key: 'mixed', value: {} },
  { key: 'mixed', value: { arrayValue: { values: [{ intValue: '1' }, { stringValue: 'a<b' }] } } },
  {
    key: 'mixed',
    value: { kvlistValue: { values: [text('z', '1'), { key: 'b', value: { boolValue: false } }] } },
  },
];

const values = resource(
  [text('service.name', 'values'), text('host.name', 'h1')],
  kinds.map((attribute) =>
    span('value', 2, 0, 1n * ms, {
      attributes: [attribute, text('1st-thing', 'first'), text('région', 'ouest'), text('a__b', 'c')],
    }),
  ),
);

export const request = {
  resourceSpans: [
    shop,
    odd,
    times,
    values,
    resource([text('service.name', '')], [span('empty service', 2, 0, 1n * ms)]),
    resource([{ key: 'service.name', value: { intValue: '5' } }], [span('number', 2, 0, 1n * ms)]),
    resource([text('host.name', 'nameless')], [span('no service', 2, 0, 1n * ms)]),
    resource(
      [text('service.name', 'instance'), text('service.instance.id', 'i"2')],
      [span('a', 1, 1, 1n * ms)],
    ),
  ],
};
