import { expect, test } from 'vitest';
import { debugExporter } from '../../../src/exporters/debug/component.ts';
import { debugConfig } from '../../../src/exporters/debug/config.ts';
import { BlockSampler } from '../../../src/exporters/debug/sampler.ts';
import type { Block } from '../../../src/flow/block.ts';
import type { LaneContext } from '../../../src/flow/lane.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { FakeClock } from '../../flow/fake-clock.ts';
import { FakeInstruments, recordingLog } from '../../http/fakes.ts';
import { batchOfSpans } from '../../sampling/batch-of-spans.ts';

const BLOCK: Block = {
  origin: { kind: 'request', id: 'r1' },
  batch: batchOfSpans(new Dictionary(), [
    {
      service: 'shop',
      attributes: { 'host.name': 'h1' },
      spans: [
        {
          traceId: '0af7651916cd43dd8448eb211c80319c',
          spanId: 'b7ad6b7169203331',
          name: 'GET /',
          attributes: { 'http.status': 500, ok: false },
          durationNs: 2_500_000,
          status: { code: 2, message: 'boom' },
        },
        { parentSpanId: 'b7ad6b7169203331', kind: 3 },
      ],
    },
  ]),
  red: new Map(),
  throughput: undefined,
  mayBegin: () => true,
};

async function write(
  config: object,
  blocks: number,
): Promise<{ lines: object[]; spans: number | undefined }> {
  const log = recordingLog();
  const instruments = new FakeInstruments();
  const context: LaneContext = {
    id: 'debug',
    clock: new FakeClock(),
    random: () => 0.5,
    log,
    instruments,
    health: { report: () => undefined },
    lane: 0,
    lanes: 1,
    revision: 1,
    dictionary: new Dictionary(),
    post: () => undefined,
  };
  const inputs = { spans: true, throughput: false, red: new Map() };
  const sink = debugExporter.createLane?.(debugConfig.parse(config), context, inputs);
  for (let i = 0; i < blocks; i++) await sink?.write(BLOCK, new AbortController().signal);
  const spans = instruments.values.get('spanweir_debug_spans_total{exporter="debug"}');
  return { lines: log.lines.map(({ fields, message }) => ({ message, ...fields })), spans };
}

test('basic tells the counts of a block', async () => {
  expect(await write({}, 1)).toEqual({
    lines: [{ message: 'Traces', records: 1, resources: 1, spans: 2 }],
    spans: 2,
  });
});

test('normal adds a line per span', async () => {
  const { lines } = await write({ verbosity: 'normal' }, 1);
  expect(lines).toHaveLength(3);
  expect(lines[1]).toEqual({
    message: 'Span',
    span: {
      service: 'shop',
      name: 'GET /',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      kind: 'Server',
      status: 'Error',
      durationMs: 2.5,
    },
  });
});

test('detailed tells everything of a span', async () => {
  const { lines } = await write({ verbosity: 'detailed' }, 1);
  expect(lines[1]).toMatchObject({
    span: {
      parentId: '',
      start: '2023-11-14T22:13:20.000Z',
      weight: 1,
      statusMessage: 'boom',
      resource: { 'service.name': 'shop', 'host.name': 'h1' },
      attributes: { 'http.status': '500', ok: 'false' },
    },
  });
  expect(lines[2]).toMatchObject({ span: { parentId: 'b7ad6b7169203331', kind: 'Client' } });
});

test('blocks that are not shown are counted all the same', async () => {
  const { lines, spans } = await write({ sampling_initial: 1, sampling_thereafter: 0 }, 5);
  expect(lines).toHaveLength(1);
  expect(spans).toBe(10);
});

test('the first blocks of a second are shown, then every n-th', () => {
  const sampler = new BlockSampler(2, 3);
  const shown = Array.from({ length: 9 }, () => sampler.lets(500));
  expect(shown).toEqual([true, true, false, false, true, false, false, true, false]);
  expect(sampler.lets(1000)).toBe(true);
});
