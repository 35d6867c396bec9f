import { parseDurationMs } from '../../base/duration.ts';
import { SpanweirError } from '../../base/errors.ts';
import type { NamedQuery, QueryParameter } from './query-file.ts';

/** What ClickHouse is given for each parameter: seconds for times and durations. */
export type BoundValues = Map<string, string | number>;

/** RFC 3339; its time may be missing (midnight UTC). */
const MOMENT = /^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2}))?$/;

/**
 * Values of all parameters: those that are given and the defaults of the others.
 *
 * @param given as people write them, by name
 * @throws SpanweirError (BAD_DATA) that names the parameter and what was expected
 */
export function bindValues(
  query: NamedQuery,
  given: Readonly<Record<string, string>>,
  nowMs: number,
): BoundValues {
  const bound: BoundValues = new Map();
  for (const parameter of query.parameters) {
    const text = given[parameter.name] ?? parameter.initial;
    if (text === undefined) {
      throw new SpanweirError('BAD_DATA', `${query.name} needs ${parameter.name}: ${parameter.about}`);
    }
    const value = readValue(parameter, text, nowMs);
    if (value === undefined) {
      const expected = expectedOf(parameter);
      throw new SpanweirError('BAD_DATA', `${parameter.name} "${text}": expected ${expected}`);
    }
    if (value !== AUTO) bound.set(parameter.name, value);
  }
  return bound;
}

/** A default that is worked out from the range. */
const AUTO = 'auto';

function readValue({ kind, choices, type }: QueryParameter, text: string, nowMs: number) {
  switch (kind) {
    case 'text':
      return text;
    case 'choice':
      return choices.includes(text) ? text : undefined;
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case 'count':
      return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
    case 'time':
      return momentOf(text, nowMs);
    case 'duration':
      return text === AUTO ? AUTO : secondsOf(text, type);
  }
}

function momentOf(text: string, nowMs: number): number | undefined {
  if (text === 'now') return Math.floor(nowMs / 1000);
  const agoS = secondsOf(text, 'UInt32');
  if (agoS !== undefined) return Math.floor(nowMs / 1000) - agoS;
  const ms = MOMENT.test(text) ? Date.parse(text.replace(' ', 'T').toUpperCase()) : Number.NaN;
  return Number.isNaN(ms) || ms < 0 ? undefined : Math.floor(ms / 1000);
}

/** A Go duration, or days such as `30d`. */
function secondsOf(text: string, type: string): number | undefined {
  const days = /^(\d+(?:\.\d+)?)d$/.exec(text)?.[1];
  const ms = days === undefined ? parseDurationMs(text) : Number(days) * 86_400_000;
  if (ms === undefined || ms < 0) return undefined;
  return type.startsWith('Float') || Number.isInteger(ms / 1000) ? ms / 1000 : undefined;
}

/** What may be written for it. */
export function expectedOf({ kind, choices, type, initial }: QueryParameter): string {
  switch (kind) {
    case 'text':
      return 'a text';
    case 'choice':
      return `one of ${choices.join(', ')}`;
    case 'number':
      return 'a number';
    case 'count':
      return 'a whole number';
    case 'time':
      return 'a time such as 2026-05-01T12:00:00Z, or how long ago, such as 2h or 30d, or now';
    case 'duration':
      return `a duration such as ${type.startsWith('Float') ? '250ms' : '30s'}, 5m or 1d${initial === AUTO ? ', or auto' : ''}`;
  }
}
