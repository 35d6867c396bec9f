import type { KindFigures, Neighbours, PoisonRun } from './run-poison.ts';

/** What is wrong, in words; empty = every kind did as it should. */
export function complaints(run: PoisonRun, maxGapMs: number): string[] {
  const { figures, neighbours, hasDatabase, isAlive } = run;
  return [
    ...(isAlive ? [] : ['the engine has died']),
    ...figures.flatMap((one) => ofKind(one, hasDatabase, maxGapMs)),
    ...neighbours.flatMap((one) => ofNeighbours(one, hasDatabase)),
  ];
}

function ofKind(
  { kind, letters, spans, ...gaps }: KindFigures,
  hasDatabase: boolean,
  maxGapMs: number,
): string[] {
  const found: string[] = [];
  const expected = kind.reason === undefined ? 0 : 1;
  if (letters.length !== expected) found.push(`${letters.length} dead letters instead of ${expected}`);
  const [letter] = letters;
  if (letter !== undefined && kind.reason?.test(letter.reason) !== true)
    found.push(`reason ${letter.reason}`);
  const length =
    letter === undefined ? 0 : (letter.lastOffset ?? letter.position.offset) - letter.position.offset + 1;
  if (letter !== undefined && kind.value === 'disk' && length !== 10)
    found.push(`a range of ${length}, not 10`);
  if (hasDatabase && spans !== kind.spans) found.push(`${spans} spans instead of ${kind.spans}`);
  // With a database blocks are sealed at a pace, so that a partition waits longer than reading does.
  if (!hasDatabase && gaps.gapMs > maxGapMs) found.push(`blocked for ${Math.round(gaps.gapMs)} ms`);
  return found.map((what) => `${kind.name}: ${what}`);
}

function ofNeighbours(
  { partition, sent, rows, distinct, calls }: Neighbours,
  hasDatabase: boolean,
): string[] {
  const isStored = !hasDatabase || (rows === sent && distinct === sent);
  if (isStored && calls === sent) return [];
  return [
    `partition ${partition}: ${sent} good spans sent, ${rows} rows, ${distinct} distinct, ${calls} calls`,
  ];
}
