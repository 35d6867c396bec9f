import { textOfValue } from '../../src/span/attribute-text.ts';
import { ATTRIBUTES_OF, AttributeCursor } from '../../src/span/attributes.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { EventCursor, LinkCursor } from '../../src/span/event-cursors.ts';
import { Interner } from '../../src/span/interner.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { ScanError, type ScanReason } from '../../src/span/scan-error.ts';
import { NONE, QUALITY, SpanBatch } from '../../src/span/span-batch.ts';
import {
  type ReferencePair,
  type ReferenceResource,
  type ReferenceScope,
  type ReferenceSpan,
  referencePair,
  referenceResource,
  referenceText,
  referenceTraces,
} from './lazy-reference.ts';

const RECORD = { offset: 7, timestampMs: 1_700_000_000_000 };
const RECORD_NS = 1_700_000_000_000_000_000n;
const PAST_MS = 3_600_000;
const FUTURE_MS = 600_000;
const WEIGHT_MAX = 1000;
/** In front of the payload, so that it never begins at 0. */
const FRONT = 48;
const POISON = 64;

export type Verdict = ScanReason | 'accepted';

/** Reasons for which protobufjs refuses too; for the others the scanner is the stricter one. */
const REFUSED_BY_BOTH: ReadonlySet<Verdict> = new Set<Verdict>([
  'truncated',
  'length_out_of_range',
  'field_number_zero',
  'unknown_wire_type',
]);

class Disagreement extends Error {}

function same(what: string, actual: unknown, expected: unknown): void {
  if (!Object.is(actual, expected)) {
    throw new Disagreement(`${what}: scanned ${String(actual)}, protobufjs has ${String(expected)}`);
  }
}

/** Scans a payload between poisoned bytes and compares every column with what protobufjs reads. */
export class Differential {
  readonly #dictionary = new Dictionary({ names: 1 << 14, services: 1 << 12, identities: 1 << 12 });
  readonly #scanner = new OtlpScanner(this.#dictionary, {
    pastMs: PAST_MS,
    futureMs: FUTURE_MS,
    weightMax: WEIGHT_MAX,
  });
  readonly #batch = new SpanBatch(1 << 16, 8);
  readonly #attributes = new AttributeCursor();
  readonly #events = new EventCursor();
  readonly #links = new LinkCursor();

  /** Throws where scanner and protobufjs disagree, and whatever else than ScanError the scanner throws. */
  check(payload: Buffer): Verdict {
    const verdict = this.#scan(payload, 0xff);
    const firstState = this.#state();
    same('verdict with other bytes around it', this.#scan(payload, 0x01), verdict);
    same('columns with other bytes around it', this.#state(), firstState);
    if (verdict === 'accepted') this.#compare(payload);
    else if (REFUSED_BY_BOTH.has(verdict))
      same(`${verdict}, refused by both`, referenceTraces(payload), undefined);
    if (verdict !== 'accepted')
      same('spans after a refusal', this.#batch.spans + this.#batch.records + this.#batch.resources, 0);
    return verdict;
  }

  #scan(payload: Buffer, poison: number): Verdict {
    const batch = this.#batch;
    batch.reset();
    batch.reserve(FRONT);
    batch.reserve(payload.length + POISON);
    batch.arenaUsed = FRONT;
    batch.arena.fill(poison, 0, FRONT + payload.length + POISON);
    try {
      const spans = this.#scanner.append(batch, payload, RECORD);
      same('spans', spans, batch.spans);
      return 'accepted';
    } catch (error) {
      if (!(error instanceof ScanError)) throw error;
      same('arena after a refusal', batch.arenaUsed, FRONT);
      return error.reason;
    }
  }

  #state(): string {
    const b = this.#batch;
    const parts: string[] = [];
    for (let i = 0; i < b.spans; i++) {
      parts.push(
        [
          b.traceIdAt,
          b.spanIdAt,
          b.parentIdAt,
          b.nameAt,
          b.nameLength,
          b.kind,
          b.statusCode,
          b.startLo,
          b.startHi,
        ]
          .concat([b.flags, b.quality, b.attributesEnd, b.eventsEnd, b.linksEnd, b.traceStateAt])
          .map((column) => column[i])
          .join(),
      );
    }
    return parts.join(';');
  }

  #compare(payload: Buffer): void {
    const reference = referenceTraces(payload);
    if (reference === undefined) throw new Disagreement('scanned, but protobufjs refuses it');
    const { resources, scopes, spans } = this.#batch;
    same('resources', resources, reference.length);
    let scope = 0;
    let span = 0;
    for (let resource = 0; resource < reference.length; resource++) {
      const expected = reference[resource] as ReferenceResource;
      this.#compareResource(resource, expected);
      for (const expectedScope of expected.scopeSpans) {
        this.#compareScope(scope, expectedScope);
        for (const expectedSpan of expectedScope.spans) {
          same('resource of span', this.#batch.resource[span], resource);
          same('scope of span', this.#batch.scope[span], scope);
          this.#compareSpan(span++, expectedSpan);
        }
        scope++;
      }
    }
    same('scopes', scopes, scope);
    same('spans', spans, span);
  }

  #compareResource(resource: number, expected: ReferenceResource): void {
    const batch = this.#batch;
    const at = batch.resourceAt[resource] as number;
    const end = batch.resourceEnd[resource] as number;
    const bytes = Buffer.concat(expected.resource);
    same('resource bytes', batch.arena.toString('hex', at, end), bytes.toString('hex'));
    same('resource is absent', end === 0, expected.resource.length === 0);
    const pairs = referenceResource(bytes);
    if (pairs === undefined) throw new Disagreement('resource scanned, but protobufjs refuses it');
    const identity = this.#dictionary.identities[batch.resourceIdentity[resource] as number];
    const service = pairs.find((pair) => pair.key.toString('latin1') === 'service.name');
    const text = service?.value?.value === 'stringValue' ? referenceText(service.value) : '';
    same('service', identity?.service, service === undefined ? null : text);
  }

  #compareScope(scope: number, expected: ReferenceScope): void {
    const { arena, scopeAt, scopeEnd } = this.#batch;
    const bytes = arena.toString('hex', scopeAt[scope], scopeEnd[scope]);
    same('scope bytes', bytes, Buffer.concat(expected.scope).toString('hex'));
  }

  #compareSpan(row: number, expected: ReferenceSpan): void {
    const b = this.#batch;
    const { arena } = b;
    const slice = (at: Uint32Array, length: Uint32Array): string =>
      arena.toString('hex', at[row], (at[row] as number) + (length[row] as number));
    const id = (at: Uint32Array, length: number): string =>
      at[row] === NONE ? '' : arena.toString('hex', at[row], (at[row] as number) + length);
    same('trace id', id(b.traceIdAt, 16), validId(expected.traceId, 16));
    same('span id', id(b.spanIdAt, 8), validId(expected.spanId, 8));
    same('parent id', id(b.parentIdAt, 8), validId(expected.parentSpanId, 8));
    same('name', slice(b.nameAt, b.nameLength), expected.name.toString('hex'));
    const nameId = b.nameId[row] as number;
    if (nameId !== Interner.OVERFLOW)
      same('word', this.#dictionary.names.words[nameId], expected.name.toString());
    same('kind', b.kind[row], expected.kind >= 0 && expected.kind <= 5 ? expected.kind : 0);
    const code = expected.status?.code ?? 0;
    same('status code', b.statusCode[row], code >= 0 && code <= 2 ? code : 0);
    const message = expected.status?.message.toString('hex') ?? '';
    same('status message', slice(b.statusMessageAt, b.statusMessageLength), message);
    same('trace state', slice(b.traceStateAt, b.traceStateLength), expected.traceState.toString('hex'));
    same('flags', b.flags[row], expected.flags);
    same('quality of ids', (b.quality[row] as number) & QUALITY.invalidId, expectedIdQuality(expected));
    same('weight', b.weight[row], expectedWeight(expected.traceState.toString('latin1')));
    this.#compareTimes(row, BigInt(expected.start.toString()), BigInt(expected.end.toString()));
    this.#compareAttributes(row, expected.attributes);
    let events = 0;
    this.#events.reset(arena, b.eventsAt[row] as number, b.eventsEnd[row] as number);
    while (this.#events.next()) events++;
    if (!this.#events.malformed) same('events', events, expected.events.length);
    let links = 0;
    this.#links.reset(arena, b.linksAt[row] as number, b.linksEnd[row] as number);
    while (this.#links.next()) links++;
    if (!this.#links.malformed) same('links', links, expected.links.length);
  }

  #compareTimes(row: number, start: bigint, end: bigint): void {
    const b = this.#batch;
    const earliest = RECORD_NS - BigInt(PAST_MS) * 1_000_000n;
    const latest = RECORD_NS + BigInt(FUTURE_MS) * 1_000_000n;
    const clamped = start < earliest || start > latest || end < earliest || end > latest;
    const scanned = (BigInt(b.startHi[row] as number) << 32n) + BigInt(b.startLo[row] as number);
    same('start', scanned, clamped ? RECORD_NS : start);
    let duration = end < start ? 0 : Number(end - start);
    if (clamped && duration > PAST_MS * 1e6) duration = 0;
    same('duration', b.durationNs[row], duration);
    const quality = (end < start ? QUALITY.negativeDuration : 0) | (clamped ? QUALITY.clampedTime : 0);
    same('quality of times', (b.quality[row] as number) & 3, quality);
  }

  #compareAttributes(row: number, expected: readonly Buffer[]): void {
    const b = this.#batch;
    const cursor = this.#attributes;
    const at = b.attributesAt[row] as number;
    cursor.reset(b.arena, at, b.attributesEnd[row] as number, ATTRIBUTES_OF.span);
    for (const bytes of expected) {
      const pair = referencePair(bytes);
      const moved = cursor.next();
      if (!moved) {
        // The cursor refuses what protobufjs skips: a field with a wrong wire type, a group.
        same('attribute is malformed', cursor.malformed, true);
        return;
      }
      if (pair === undefined) throw new Disagreement('attribute read, but protobufjs refuses it');
      this.#compareAttribute(pair);
    }
    same('end of attributes', cursor.next(), false);
  }

  #compareAttribute(pair: ReferencePair): void {
    const cursor = this.#attributes;
    const key = this.#batch.arena.toString('hex', cursor.keyAt, cursor.keyAt + cursor.keyLength);
    same('key', key, pair.key.toString('hex'));
    const text = textOfValue(cursor);
    const expected = referenceText(pair.value);
    if (expected !== undefined) same('value', text, expected);
  }
}

function validId(id: Buffer, length: number): string {
  return id.length === length && id.some((byte) => byte !== 0) ? id.toString('hex') : '';
}

function expectedIdQuality({ traceId, spanId, parentSpanId }: ReferenceSpan): number {
  const valid = validId(traceId, 16) !== '' && validId(spanId, 8) !== '';
  const parentLength = parentSpanId.length === 0 || parentSpanId.length === 8;
  return valid && parentLength ? 0 : QUALITY.invalidId;
}

/** The rule for `ot=th:...;rv:...` once more, by other means. */
function expectedWeight(traceState: string): number {
  const member = traceState
    .split(',')
    .map((part) => part.replace(/^[ \t]+|[ \t]+$/g, ''))
    .find((part) => part.startsWith('ot=') && part.length > 3);
  if (member === undefined || member.length - 3 > 256) return 1;
  const fields = member.slice(3).split(';');
  const known = fields.filter((field) => /^(th|rv):/.test(field));
  if (known.some((field) => !/^(th:[0-9a-f]{1,14}|rv:[0-9a-f]{14})$/.test(field))) return 1;
  const value = (name: string): bigint | undefined => {
    const field = known.filter((candidate) => candidate.startsWith(name)).at(-1);
    return field === undefined ? undefined : BigInt(`0x${field.slice(3).padEnd(14, '0')}`);
  };
  const threshold = value('th');
  const randomness = value('rv');
  if (threshold === undefined || (randomness !== undefined && randomness < threshold)) return 1;
  return Math.min(WEIGHT_MAX, 2 ** 56 / Number(2n ** 56n - threshold));
}
