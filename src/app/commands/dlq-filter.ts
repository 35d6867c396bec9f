import { parseDurationMs } from '../../base/duration.ts';
import {
  type FoundLetter,
  type LetterPosition,
  positionText,
} from '../../receivers/kafka/dead-letter-headers.ts';
import { type Command, countOf, type GivenArguments, textOf, UsageError } from './command.ts';

/** Which letters are meant. */
export interface LetterFilter {
  /** As texts; empty = all. */
  readonly positions: readonly string[];
  readonly reason: string | undefined;
  /** The topic that the record came from. */
  readonly source: string | undefined;
  readonly partition: number | undefined;
  /** When the letter was put aside, Unix ms, inclusive. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

export const FILTER_OPTIONS = {
  reason: { type: 'string' },
  source: { type: 'string' },
  partition: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
} as const satisfies Command['options'];

export const FILTER_HELP = `  --reason REASON    only letters of this reason, such as truncated or batch_corrupt
  --source TOPIC     only records that came from this topic
  --partition N      only records that came from this partition
  --since TIME       only letters put aside at or after TIME: 2026-01-31T12:00:00Z, or 90m (that long ago)
  --until TIME       only letters put aside up to TIME`;

/** @throws UsageError */
export function readFilter(given: GivenArguments, positions: readonly string[], nowMs: number): LetterFilter {
  for (const text of positions) parsePosition(text);
  return {
    positions,
    reason: textOf(given, 'reason'),
    source: textOf(given, 'source'),
    partition: countOf(given, 'partition'),
    sinceMs: timeOf(given, 'since', nowMs) ?? Number.NEGATIVE_INFINITY,
    untilMs: timeOf(given, 'until', nowMs) ?? Number.POSITIVE_INFINITY,
  };
}

export function matches(filter: LetterFilter, { position, reason, putAside }: FoundLetter): boolean {
  const { positions, source, partition, sinceMs, untilMs } = filter;
  return (
    (positions.length === 0 || positions.includes(positionText(position))) &&
    (filter.reason === undefined || filter.reason === reason) &&
    (source === undefined || source === position.topic) &&
    (partition === undefined || partition === position.partition) &&
    putAside.atMs >= sinceMs &&
    putAside.atMs <= untilMs
  );
}

/** `topic:partition:offset`. @throws UsageError */
export function parsePosition(text: string): Omit<LetterPosition, 'clusterId'> {
  const [, topic, partition, offset] = /^([\w.-]+):(\d+):(\d+)$/.exec(text) ?? [];
  if (topic !== undefined) return { topic, partition: Number(partition), offset: Number(offset) };
  throw new UsageError(
    `"${text}" is no position: expected TOPIC:PARTITION:OFFSET, as \`spanweir dlq list\` shows it`,
  );
}

function timeOf(given: GivenArguments, option: string, nowMs: number): number | undefined {
  const text = textOf(given, option);
  if (text === undefined) return undefined;
  const ago = parseDurationMs(text);
  const at = ago === undefined ? Date.parse(text) : nowMs - ago;
  if (Number.isFinite(at)) return at;
  throw new UsageError(
    `--${option} ${text}: expected a time such as 2026-01-31T12:00:00Z, or how long ago: 90m`,
  );
}
