import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockBuffers, BlockEncoder } from '../../src/clickhouse/block-encoder.ts';
import { blockParts } from '../../src/clickhouse/block-parts.ts';
import type { Block, KafkaOrigin } from '../../src/flow/block.ts';
import type { RedConnector, SinkInputs } from '../../src/flow/lane.ts';
import { RedAggregator } from '../../src/red/red-aggregator.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { Weigher } from '../../src/span/weigher.ts';
import { kafkaOrigin } from '../support/kafka-origin.ts';
import { encodeProto, type TestResource } from '../support/spans.ts';

/** 2023-11-14 23:59:50 UTC: a block around it is one of two days. */
const START_S = 1_700_006_390;
const word = fc.constantFrom(
  'a',
  'a',
  'a',
  'b',
  'c',
  'checkout',
  'GET /',
  'GET /u/1',
  'GET /u/2',
  'GET /u/{id}',
  'ü',
  '',
);

const span = fc.record({
  name: word,
  traceId: fc.constantFrom('', 'aa'.repeat(16), 'bb'.repeat(16)),
  spanId: fc.constantFrom('0000000000000001', '00000000000000ff'),
  kind: fc.integer({ min: 0, max: 5 }),
  startNs: fc.integer({ min: 0, max: 30 }).map((s) => BigInt(START_S + s) * 1_000_000_000n),
  durationNs: fc.constantFrom(0, 1, 1_000_000, 999_999_999),
  attributes: fc.dictionary(
    fc.constantFrom('http.route', 'user.id', 'x'),
    fc.constantFrom('1', 'two', 7, true),
  ),
  traceState: fc.constantFrom('', '', 'ot=th:c', 'ot=th:8'),
  status: fc.constantFrom({ code: 0 }, { code: 1 }, { code: 2, message: 'no' }),
});

const resource: fc.Arbitrary<TestResource> = fc.record({
  service: fc.constantFrom('shop', 'db', 'mail', 'search'),
  attributes: fc.constantFrom({}, { 'service.namespace': 'eu' }, { 'service.instance.id': 'pod-1' }),
  spans: fc.array(span, { maxLength: 12 }),
});

type Payload = readonly TestResource[];
const payloads: fc.Arbitrary<Payload[]> = fc.array(fc.array(resource, { maxLength: 3 }), {
  minLength: 1,
  maxLength: 4,
});

/** How much of what it sees a thread remembers; settings of a lane that no row may depend on. */
interface Room {
  readonly names: number;
  readonly services: number;
  readonly identities: number;
  readonly series: number;
  readonly seriesPerService: number;
}

const AMPLE: Room = { names: 1000, services: 1000, identities: 1000, series: 1000, seriesPerService: 1000 };
const scarce: fc.Arbitrary<Room> = fc.record({
  names: fc.integer({ min: 2, max: 6 }),
  services: fc.integer({ min: 2, max: 4 }),
  identities: fc.integer({ min: 1, max: 4 }),
  series: fc.integer({ min: 0, max: 4 }),
  seriesPerService: fc.integer({ min: 1, max: 3 }),
});
/** The same for all, as settings of rows are. */
const BLOCK_LIMITS = { namesPerService: 3, valuesPerDimension: 2, seriesPerService: 6, series: 12 };

/** An ingest thread with a past. */
class Lane {
  readonly #dictionary: Dictionary;
  readonly #scanner: OtlpScanner;
  readonly #weigher: Weigher;
  readonly #buffers = new BlockBuffers();
  readonly inputs: SinkInputs;
  readonly #encoder: BlockEncoder;

  constructor(room: Room) {
    this.#dictionary = new Dictionary(room);
    this.#scanner = new OtlpScanner(this.#dictionary);
    this.#weigher = new Weigher({ attribute: '', samplerTags: true, weightMax: 1e6 });
    const connector = (names: string[], spanNames: 'as_is' | 'templates' = 'as_is'): RedConnector => {
      const dimensions = names.map((name) => ({ name, default: undefined }));
      const aggregator = new RedAggregator(this.#dictionary, {
        dimensions,
        histograms: true,
        blockLimits: BLOCK_LIMITS,
        dimensionNames: names,
        spanNames,
        seriesLimit: room.series,
        seriesPerService: room.seriesPerService,
      });
      return {
        series: aggregator.series,
        bounds: [],
        dimensions: names,
        derive: (b) => aggregator.aggregate(b),
      };
    };
    const red = new Map([
      ['span_metrics', connector([])],
      ['span_metrics/more', connector(['http.route', 'user.id'])],
      ['span_metrics/templates', connector([], 'templates')],
    ]);
    this.inputs = { spans: true, throughput: false, red };
    this.#encoder = new BlockEncoder(this.#dictionary, this.inputs);
  }

  block(records: readonly Payload[], origin: KafkaOrigin): Block {
    const batch = new SpanBatch();
    records.forEach((record, i) => {
      const offset = origin.firstOffset + i;
      this.#scanner.append(batch, encodeProto(record), { offset, timestampMs: START_S * 1000 + i });
    });
    this.#weigher.weigh(batch);
    const red = new Map([...this.inputs.red].map(([id, connector]) => [id, connector.derive(batch)]));
    return { origin, batch, red, throughput: undefined, mayBegin: () => true };
  }

  /** Everything that is sent of a block: table, token and bytes. */
  encode(block: Block): object {
    const { data, log } = this.#encoder.encode(block, this.#buffers);
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    return [...data, ...(log === undefined ? [] : [log])].map(({ bytes, table, token }) => [
      table,
      token,
      hex(bytes),
    ]);
  }
}

test('the same records give the same bytes, whatever a thread has seen before and how little it remembers, and are looked for in the same places', () => {
  fc.assert(
    fc.property(payloads, fc.array(payloads, { maxLength: 3 }), scarce, (records, past, room) => {
      const origin = kafkaOrigin(100, 100 + records.length - 1);
      const fresh = new Lane(AMPLE);
      const old = new Lane(room);
      for (const [i, before] of past.entries()) {
        old.encode(old.block(before, kafkaOrigin(i * 10, i * 10 + before.length - 1)));
      }
      const first = fresh.block(records, origin);
      const again = old.block(records, { ...origin, mayBeStored: true });
      expect(old.encode(again)).toEqual(fresh.encode(first));
      // Whatever it knows by now.
      expect(old.encode(old.block(records, origin))).toEqual(fresh.encode(first));
      expect(blockParts(again, old.inputs)).toEqual(blockParts(first, fresh.inputs));
    }),
    { numRuns: 150 },
  );
});
