import { type FoundLetter, positionText, retriesOf } from '../../receivers/kafka/dead-letter-headers.ts';
import type { CommandIo } from './command.ts';
import { type LetterFilter, matches } from './dlq-filter.ts';
import { isMark, type LetterPlace } from './dlq-places.ts';

/** One record that was put aside, however often it is there. */
export interface Letter {
  readonly key: string;
  /** Without its value, which may be large. */
  readonly letter: FoundLetter;
  /** Of the record; undefined = null or not known. */
  readonly valueBytes: number | undefined;
  /** How often it is there: more than once after a kill, or in the topic and the folder. */
  copies: number;
  /** When it was produced again last, Unix ms. */
  retriedMs: number | undefined;
  /** How often the record had been retried when it failed this time. */
  readonly retries: number;
  /** Where it was found. */
  readonly places: Set<LetterPlace>;
}

/** All letters that are meant, newest first, each position once. Undefined when it was stopped. */
export async function collectLetters(
  places: readonly LetterPlace[],
  filter: LetterFilter,
  io: CommandIo,
  stop: AbortSignal,
): Promise<Letter[] | undefined> {
  const letters = new Map<string, Letter>();
  const marks = new Map<string, number>();
  for (const place of places) {
    const scanned = place.scan((done, all) => io.progress(`${place.name}: ${done} of ${all} read`));
    for await (const found of scanned) {
      if (stop.aborted) return undefined;
      if (isMark(found)) {
        const at = `${found.position.clusterId}/${positionText(found.position)}`;
        marks.set(at, Math.max(marks.get(at) ?? 0, found.retriedMs));
      } else if (matches(filter, found)) add(letters, found, place);
    }
  }
  io.progress(undefined);
  for (const letter of letters.values()) {
    const retriedMs = marks.get(
      `${letter.letter.position.clusterId}/${positionText(letter.letter.position)}`,
    );
    // Of an older topic of that name: it was produced again before this letter was put aside.
    if (retriedMs !== undefined && retriedMs >= letter.letter.putAside.atMs) letter.retriedMs = retriedMs;
  }
  return [...letters.values()].sort(newestFirst);
}

/** Names a record for good: a topic that was made anew has other records under the same positions. */
export function letterKey({ position, timestampMs }: FoundLetter): string {
  return `${position.clusterId}/${positionText(position)}@${timestampMs}`;
}

function add(letters: Map<string, Letter>, found: FoundLetter, place: LetterPlace): void {
  const key = letterKey(found);
  const known = letters.get(key);
  if (known !== undefined) {
    known.copies += 1;
    known.places.add(place);
    return;
  }
  letters.set(key, {
    key,
    letter: { ...copiedHeaders(found), key: null, value: null },
    valueBytes: found.omitted?.bytes ?? found.value?.length,
    copies: 1,
    retriedMs: undefined,
    retries: retriesOf(found.headers),
    places: new Set([place]),
  });
}

/** What was fetched goes away with the fetch; the headers would hold all of it. */
function copiedHeaders(found: FoundLetter): FoundLetter {
  const headers = found.headers.map(({ key, value }) => ({ key, value: value && Uint8Array.from(value) }));
  return { ...found, headers };
}

function newestFirst(a: Letter, b: Letter): number {
  const [left, right] = [a.letter, b.letter];
  return (
    right.putAside.atMs - left.putAside.atMs ||
    (left.position.topic < right.position.topic ? -1 : left.position.topic > right.position.topic ? 1 : 0) ||
    left.position.partition - right.position.partition ||
    right.position.offset - left.position.offset
  );
}
