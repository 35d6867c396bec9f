import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { makePayloads, SPANS_PER_PAYLOAD } from './payloads.ts';

/**
 * CPU time of the scan alone: payload bytes to all columns, the copy into the arena included.
 *
 *     npx tsx bench/span/scan.bench.ts [rounds] [spans per payload]
 */
const ROUNDS = Number(process.argv[2] ?? 9);
const PER_PAYLOAD = Number(process.argv[3] ?? SPANS_PER_PAYLOAD);
const SPANS_PER_BATCH = 20_000;
const PAYLOADS = SPANS_PER_BATCH / PER_PAYLOAD;
const SPANS_PER_ROUND = 1_000_000;

const payloads = makePayloads(PAYLOADS, PER_PAYLOAD);
const bytes = payloads.reduce((sum, payload) => sum + payload.length, 0);
const scanner = new OtlpScanner(new Dictionary());
const batch = new SpanBatch();
const record = { offset: 0, timestampMs: 1_700_000_000_000 };

function round(): number {
  const before = process.cpuUsage();
  for (let spans = 0; spans < SPANS_PER_ROUND; ) {
    batch.reset();
    for (const payload of payloads) spans += scanner.append(batch, payload, record);
  }
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1e6;
}

round();
const seconds = Array.from({ length: ROUNDS }, round).sort((a, b) => a - b);
const median = seconds[ROUNDS >> 1] as number;
const bytesPerSpan = bytes / SPANS_PER_BATCH;
const figures = {
  bytesPerSpan: Math.round(bytesPerSpan),
  spansPerBatch: batch.spans,
  cpuSecondsPerMillionSpans: median,
  best: seconds[0],
  millionSpansPerCpuSecond: Number((1 / median).toFixed(2)),
  megabytesPerCpuSecond: Math.round(bytesPerSpan / median),
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
