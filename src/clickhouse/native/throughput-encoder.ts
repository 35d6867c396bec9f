import type { KafkaOrigin } from '../../flow/block.ts';
import type { ThroughputRows } from '../../sampling/throughput-rows.ts';
import { Offsets, WordColumn, writeIntegers } from './columns.ts';
import type { NativeBuffer } from './native-buffer.ts';
import { SeenColumn } from './seen-column.ts';

/** Appends a Native block for sampling_throughput to `out`. Few rows a block, so nothing is kept. */
export function encodeThroughput(
  rows: ThroughputRows,
  origin: KafkaOrigin | undefined,
  out: NativeBuffer,
): void {
  const services = new WordColumn();
  const operations = new WordColumn();
  const offsets = new Offsets();
  const marker = new SeenColumn(origin);
  let seen = 0;
  for (const row of rows) {
    services.pushText(row.service);
    operations.pushText(row.operation);
    seen += row.probabilities.length;
    offsets.push(seen);
    marker.push(row.windowS);
  }
  out.block(6, rows.length);
  out.column('Ts', 'DateTime');
  out.numbers(Uint32Array.from(rows, (row) => row.windowS));
  services.write(out, 'ServiceName');
  operations.write(out, 'Operation');
  out.column('Count', 'UInt64');
  writeIntegers(
    out,
    Float64Array.from(rows, (row) => row.count),
    rows.length,
  );
  out.column('Probabilities', 'Array(String)');
  offsets.writeData(out);
  for (const row of rows) for (const probability of row.probabilities) out.text(probability);
  marker.write(out, origin);
}
