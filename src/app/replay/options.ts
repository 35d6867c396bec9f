import { parseDurationMs } from '../../base/duration.ts';
import { type GivenArguments, isGiven, textOf, UsageError } from '../commands/command.ts';

/** A place in a topic: an offset, or the first record written at or after a moment (Unix ms). */
export type Place =
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'time'; readonly ms: number };

export interface ReplayOptions {
  readonly receiver: string | undefined;
  readonly exporter: string | undefined;
  /** Of the receiver's topics; undefined = all. */
  readonly topic: string | undefined;
  /** Undefined = all. */
  readonly partitions: readonly number[] | undefined;
  /** Undefined = the beginning. */
  readonly from: Place | undefined;
  /** The first place that is left out; undefined = the end. */
  readonly to: Place | undefined;
  readonly dryRun: boolean;
  /** Nobody is asked. */
  readonly yes: boolean;
  /** Form everything again under this revision ('current' = the configuration's, whatever it is). */
  readonly revision: number | 'current' | undefined;
}

export const REPLAY_ARGUMENTS = {
  receiver: { type: 'string' },
  exporter: { type: 'string' },
  topic: { type: 'string' },
  partition: { type: 'string', multiple: true },
  from: { type: 'string' },
  to: { type: 'string' },
  'dry-run': { type: 'boolean' },
  yes: { type: 'boolean', short: 'y' },
  revision: { type: 'string' },
} as const;

/** @throws UsageError that names the option */
export function readReplayOptions(given: GivenArguments, nowMs: number): ReplayOptions {
  const from = readPlace('from', textOf(given, 'from'), nowMs);
  const to = readPlace('to', textOf(given, 'to'), nowMs);
  if (
    from !== undefined &&
    to !== undefined &&
    from.kind === to.kind &&
    magnitudeOf(from) >= magnitudeOf(to)
  ) {
    throw new UsageError('--from has to come before --to');
  }
  const revision = readRevision(textOf(given, 'revision'));
  const partitions = readPartitions(given.values.partition);
  const topic = textOf(given, 'topic');
  if (revision !== undefined) {
    if (from?.kind === 'offset' || to?.kind === 'offset') {
      throw new UsageError('--revision works on whole days: give --from and --to as days, not offsets');
    }
    if (from === undefined)
      throw new UsageError('--revision needs --from: the first day, such as 2026-05-01');
    if (topic !== undefined || partitions !== undefined) {
      throw new UsageError('--revision works on whole days, so on all topics and partitions of the receiver');
    }
  }
  return {
    receiver: textOf(given, 'receiver'),
    exporter: textOf(given, 'exporter'),
    topic,
    partitions,
    from,
    to,
    dryRun: isGiven(given, 'dry-run'),
    yes: isGiven(given, 'yes'),
    revision,
  };
}

function magnitudeOf(place: Place): number {
  return place.kind === 'offset' ? place.offset : place.ms;
}

/** RFC 3339, its time may be missing (midnight UTC). */
const MOMENT = /^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2}))?$/;

function readPlace(option: string, text: string | undefined, nowMs: number): Place | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return { kind: 'offset', offset: Number(text) };
  const agoMs = parseDurationMs(text);
  if (agoMs !== undefined && agoMs > 0) return { kind: 'time', ms: nowMs - agoMs };
  const ms = MOMENT.test(text) ? Date.parse(text.replace(' ', 'T').toUpperCase()) : Number.NaN;
  if (!Number.isNaN(ms)) return { kind: 'time', ms };
  throw new UsageError(
    `--${option} ${text}: expected an offset, a time such as 2026-05-01T12:00:00Z, or how long ago, such as 2h`,
  );
}

function readRevision(text: string | undefined): number | 'current' | undefined {
  if (text === undefined || text === 'current') return text;
  const revision = Number(text);
  if (/^\d+$/.test(text) && revision < 2 ** 32) return revision;
  throw new UsageError(`--revision ${text}: expected a number, or 'current'`);
}

function readPartitions(given: GivenArguments['values'][string]): number[] | undefined {
  if (given === undefined) return undefined;
  const texts = Array.isArray(given) ? given : [given];
  return texts.map((text) => {
    if (typeof text === 'string' && /^\d+$/.test(text)) return Number(text);
    throw new UsageError(`--partition ${text}: expected a number`);
  });
}
