import type { KafkaOrigin } from '../../flow/block.ts';
import type { Classes } from '../../sampling/roots/root-row.ts';
import type { ThroughputRow, ThroughputRows } from '../../sampling/roots/throughput-rows.ts';
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
  const marker = new SeenColumn(origin);
  for (const row of rows) {
    services.pushText(row.service);
    operations.pushText(row.operation);
    marker.push(row.windowS);
  }
  const integers = (name: string, of: (row: ThroughputRow) => number): void => {
    out.column(name, 'UInt64');
    writeIntegers(out, Float64Array.from(rows, of), rows.length);
  };
  const numbers = (name: string, of: (row: ThroughputRow) => number): void => {
    out.column(name, 'Float64');
    out.numbers(Float64Array.from(rows, of));
  };
  out.block(14, rows.length);
  out.column('Ts', 'DateTime');
  out.numbers(Uint32Array.from(rows, (row) => row.windowS));
  services.write(out, 'ServiceName');
  operations.write(out, 'Operation');
  integers('Count', (row) => row.count);
  out.column('Probabilities', 'Array(String)');
  writeOffsets(out, rows, (row) => row.probabilities.length);
  for (const row of rows) for (const probability of row.probabilities) out.text(probability);
  integers('Roots', (row) => row.sampled.roots);
  integers('Tagged', (row) => row.sampled.tagged);
  numbers('Adjusted', (row) => row.sampled.adjusted);
  numbers('AdjustedSquares', (row) => row.sampled.adjustedSquares);
  integers('Bounded', (row) => row.sampled.bounded);
  writeClasses(out, 'Variates', rows, (row) => row.sampled.variates);
  integers('Errors', (row) => row.sampled.errors);
  writeClasses(out, 'Durations', rows, (row) => row.sampled.durations);
  marker.write(out, origin);
}

function writeClasses(
  out: NativeBuffer,
  name: string,
  rows: ThroughputRows,
  of: (row: ThroughputRow) => Classes,
): void {
  out.column(name, 'Map(UInt16, UInt64)');
  writeOffsets(out, rows, (row) => of(row).classes.length);
  for (const row of rows) out.numbers(Uint16Array.from(of(row).classes));
  for (const row of rows) {
    const { counts } = of(row);
    writeIntegers(out, Float64Array.from(counts), counts.length);
  }
}

function writeOffsets(
  out: NativeBuffer,
  rows: ThroughputRows,
  lengthOf: (row: ThroughputRow) => number,
): void {
  const offsets = new Offsets();
  let end = 0;
  for (const row of rows) {
    end += lengthOf(row);
    offsets.push(end);
  }
  offsets.writeData(out);
}
