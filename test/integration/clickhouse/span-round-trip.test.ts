import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import { NativeBuffer } from '../../../src/clickhouse/native/native-buffer.ts';
import { SpanEncoder } from '../../../src/clickhouse/native/span-encoder.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import type { SpanBatch } from '../../../src/span/span-batch.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';
import { double, type TestResource, type TestSpan } from '../../support/spans.ts';
import { BatchMaker, migratedDatabase } from './database.ts';

let client: ClickHouse;
let maker: BatchMaker;
beforeAll(async () => {
  client = await migratedDatabase();
});
afterAll(async () => client.close());

let token = 0;
async function insert(batch: SpanBatch, dictionary: Dictionary = maker.dictionary): Promise<void> {
  const out = new NativeBuffer();
  new SpanEncoder(dictionary).encode(batch, kafkaOrigin(0, 0), true, out);
  await client.command(`TRUNCATE TABLE ${client.database}.otel_traces`);
  await client.insertNative({ table: 'otel_traces', token: `t${token++}` }, out.written());
}

function rows<T>(columns: string, rest = ''): Promise<T[]> {
  return client.query<T>(`SELECT ${columns} FROM ${client.database}.otel_traces ${rest}`);
}

function resource(spans: readonly TestSpan[], more: Partial<TestResource> = {}): TestResource {
  return { service: 'shop', spans, ...more };
}

describe('a span in ClickHouse', () => {
  beforeAll(() => {
    maker = new BatchMaker();
  });

  test('has every column of the OpenTelemetry exporter, and where it came from', async () => {
    const span: TestSpan = {
      traceId: '000102030405060708090a0b0c0d0eff',
      spanId: '00000000000000aa',
      parentSpanId: 'f0e0d0c0b0a09080',
      traceState: 'ot=th:8',
      name: 'GET /items',
      kind: 3,
      startNs: 1_700_000_000_123_456_789n,
      durationNs: 1_500_000_001,
      attributes: { 'http.route': '/items', 'http.response.status_code': 404, a: '' },
      status: { code: 2, message: 'not there' },
      events: [
        { timeNs: 1_700_000_000_123_456_790n, name: 'exception', attributes: { type: 'E', n: 1 } },
        { timeNs: 1_700_000_000_123_456_791n, name: 'retry' },
      ],
      links: [
        {
          traceId: 'ffffffffffffffffffffffffffffff00',
          spanId: '1111111111111111',
          traceState: 'x=y',
          attributes: { why: 'batch' },
        },
      ],
    };
    const scopes = [{ name: 'lib', version: '1.2.3', spans: [span] }];
    await insert(
      maker.make([[{ service: 'shop', attributes: { 'deployment.environment.name': 'prod' }, scopes }]], 77),
    );
    const [row] = await rows<Record<string, unknown>>(
      '*, HttpStatus, HttpRoute, Environment, toUnixTimestamp64Nano(Timestamp) AS ns, ' +
        'arrayMap(t -> toUnixTimestamp64Nano(t), Events.Timestamp) AS eventNs',
    );
    expect(row).toMatchObject({
      ns: '1700000000123456789',
      TraceId: '000102030405060708090a0b0c0d0eff',
      SpanId: '00000000000000aa',
      ParentSpanId: 'f0e0d0c0b0a09080',
      TraceState: 'ot=th:8',
      SpanName: 'GET /items',
      SpanKind: 'Client',
      ServiceName: 'shop',
      ResourceAttributes: { 'service.name': 'shop', 'deployment.environment.name': 'prod' },
      ScopeName: 'lib',
      ScopeVersion: '1.2.3',
      SpanAttributes: { 'http.route': '/items', 'http.response.status_code': '404', a: '' },
      Duration: '1500000001',
      StatusCode: 'Error',
      StatusMessage: 'not there',
      eventNs: ['1700000000123456790', '1700000000123456791'],
      'Events.Name': ['exception', 'retry'],
      'Events.Attributes': [{ type: 'E', n: '1' }, {}],
      'Links.TraceId': ['ffffffffffffffffffffffffffffff00'],
      'Links.SpanId': ['1111111111111111'],
      'Links.TraceState': ['x=y'],
      'Links.Attributes': [{ why: 'batch' }],
      KafkaPartition: 3,
      KafkaOffset: '77',
      KafkaSource: 'cluster-1/otlp_spans',
      KafkaBlockEnd: '1',
      SampleWeight: 2,
      HttpStatus: 404,
      HttpRoute: '/items',
      Environment: 'prod',
    });
  });

  test('shows attribute values of every kind as the collector writes them', async () => {
    const attributes = {
      bool: true,
      int: -9_007_199_254_740_993n,
      whole: double(2),
      tiny: 1e-7,
      bytes: Uint8Array.of(0, 255),
      list: ['a', 1, null],
      map: { b: 1, a: 'x' },
      none: null,
    };
    await insert(maker.make([[resource([{ attributes }])]]));
    const [row] = await rows<{ SpanAttributes: Record<string, string> }>('SpanAttributes');
    expect(row?.SpanAttributes).toEqual({
      bool: 'true',
      int: '-9007199254740993',
      whole: '2',
      tiny: '1e-7',
      bytes: 'AP8=',
      list: '["a",1,null]',
      map: '{"a":"x","b":1}',
      none: '',
    });
  });

  test('may have nothing at all', async () => {
    const bare = { name: '', kind: 0, traceId: '', spanId: '', startNs: 0n, endNs: 0n };
    await insert(maker.make([[{ spans: [bare] }]]));
    const [row] = await rows<Record<string, unknown>>('*');
    expect(row).toMatchObject({
      TraceId: '',
      SpanId: '',
      ParentSpanId: '',
      SpanName: '',
      SpanKind: 'Unspecified',
      StatusCode: 'Unset',
      ServiceName: '',
      ResourceAttributes: {},
      SpanAttributes: {},
      'Events.Name': [],
      'Links.TraceId': [],
      Duration: '0',
    });
  });

  test('keeps the start that was sent when that was too far off', async () => {
    const limits = { pastMs: 86_400_000, futureMs: 3_600_000 };
    const judging = new BatchMaker(new Dictionary(), limits);
    const sent = { startNs: 4_102_444_800_000_000_001n, durationNs: 5 };
    await insert(judging.make([[resource([sent])]], 0, 1_700_000_000_000), judging.dictionary);
    const [row] = await rows<Record<string, unknown>>(
      'SpanAttributes, toUnixTimestamp64Milli(Timestamp) AS ms',
    );
    expect(row).toEqual({
      SpanAttributes: { 'spanweir.original_start_unix_nano': '4102444800000000001' },
      ms: '1700000000000',
    });
  });

  test('keeps strings of any length and any characters', async () => {
    const long = 'ü'.repeat(100_000);
    const attributes: [string, string][] = [
      ['nul', 'a\u0000b'],
      ['long', long],
      ['', 'empty key'],
      ['quote', `'"\\\n\t`],
      ['emoji 🦀', '🦀'],
    ];
    await insert(maker.make([[resource([{ name: '`odd`\u0000', attributes }])]]));
    const [row] = await rows<{ SpanName: string; SpanAttributes: Record<string, string> }>(
      'SpanName, SpanAttributes',
    );
    expect(row?.SpanName).toBe('`odd`\u0000');
    expect(row?.SpanAttributes).toEqual(Object.fromEntries(attributes));
  });

  test('keeps bytes that are no UTF-8', async () => {
    const batch = maker.make([[resource([{ name: 'bad?name', attributes: { key: 'va?ue' } }])]]);
    const text = batch.arena.toString('latin1', 0, batch.arenaUsed);
    batch.arena[text.indexOf('bad?name') + 3] = 0xff;
    batch.arena[text.indexOf('va?ue') + 2] = 0xfe;
    // As a span whose name has no id because the dictionary is full.
    batch.nameId[0] = 1;
    await insert(batch);
    const [row] = await rows<Record<string, string>>("hex(SpanName) AS n, hex(SpanAttributes['key']) AS v");
    expect(row).toEqual({ n: '626164FF6E616D65', v: '7661FE7565' });
  });
});

describe('dictionaries', () => {
  test.each([
    [256, 1],
    [257, 2],
    [65_536, 2],
    [65_537, 4],
    [70_000, 4],
  ])('of %i words are indexed by %i bytes, and every word comes back', async (count) => {
    const many = new BatchMaker();
    const spans = Array.from({ length: count }, (_, i) => ({ name: `name ${i}`, durationNs: i }));
    await insert(many.make([[resource(spans)]]), many.dictionary);
    const answer = await rows<Record<string, string>>(
      "count() AS spans, uniqExact(SpanName) AS names, countIf(SpanName = concat('name ', toString(Duration))) AS right",
    );
    expect(answer).toEqual([{ spans: String(count), names: String(count), right: String(count) }]);
  });

  test('are new in every block of an encoder', async () => {
    const encoder = new SpanEncoder(maker.dictionary);
    await client.command(`TRUNCATE TABLE ${client.database}.otel_traces`);
    for (const [i, name] of ['one', 'two', 'one'].entries()) {
      const out = new NativeBuffer();
      encoder.encode(
        maker.make([[resource([{ name, attributes: { [`k${i}`]: name } }])]]),
        undefined,
        true,
        out,
      );
      await client.insertNative({ table: 'otel_traces', token: `new-${i}` }, out.written());
    }
    expect(await rows('SpanName, SpanAttributes, KafkaOffset', 'ORDER BY toString(SpanAttributes)')).toEqual([
      { SpanName: 'one', SpanAttributes: { k0: 'one' }, KafkaOffset: '0' },
      { SpanName: 'two', SpanAttributes: { k1: 'two' }, KafkaOffset: '0' },
      { SpanName: 'one', SpanAttributes: { k2: 'one' }, KafkaOffset: '0' },
    ]);
  });
});

test('a trace of the block has its summary', async () => {
  await client.command(`TRUNCATE TABLE ${client.database}.trace_summary`);
  const traceId = 'aa'.repeat(16);
  await insert(
    maker.make([
      [
        resource([{ traceId, spanId: '0000000000000001', name: 'root', durationNs: 1000 }]),
        resource(
          [{ traceId, spanId: '0000000000000002', parentSpanId: '0000000000000001', status: { code: 2 } }],
          { service: 'db' },
        ),
      ],
    ]),
  );
  const summaries = await client.query(
    `SELECT TraceId, Root.2 AS service, Root.3 AS name, Spans, Errors FROM ${client.database}.trace_summary FINAL`,
  );
  expect(summaries).toEqual([
    { TraceId: traceId, service: 'shop', name: 'root', Spans: { shop: '1', db: '1' }, Errors: { db: '1' } },
  ]);
});
