import type { ClickHouse } from '../../src/clickhouse/client.ts';
import type { RedRows } from '../../src/red/red-rows.ts';

const ROWS_A_QUERY = 500;

/** Of each row, the interval that the functions of sql/ state. */
export async function intervalsOf(
  client: ClickHouse,
  rows: RedRows,
): Promise<(readonly [low: number, high: number])[]> {
  const intervals: (readonly [number, number])[] = [];
  for (let from = 0; from < rows.rows; from += ROWS_A_QUERY) {
    const tuples: string[] = [];
    for (let row = from; row < Math.min(rows.rows, from + ROWS_A_QUERY); row++) {
      const { calls, spans, weightMax, weightSquares } = rows;
      const numbers = [calls[row], weightSquares[row], weightMax[row]].map((n) => `${n}::Float64`);
      tuples.push(`(${row},${spans[row]},${numbers.join()})`);
    }
    const found = await client.query<{ low: number; high: number }>(
      `SELECT calls_low(t.2, t.3, t.4) AS low, calls_high(t.3, t.4, t.5) AS high
       FROM (SELECT arrayJoin([${tuples.join()}]) AS t) ORDER BY t.1`,
    );
    for (const { low, high } of found) intervals.push([low, high]);
  }
  return intervals;
}
