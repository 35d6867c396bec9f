import { type AttributeValue, double, encodeProto, type TestSpan } from '../support/spans.ts';

/** A generator of numbers in [0, 1) whose whole sequence follows from the seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Random = () => number;

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
const upTo = (random: Random, n: number): number => Math.floor(random() * (n + 1));
const hex = (random: Random, bytes: number): string =>
  Array.from({ length: bytes }, () => upTo(random, 255).toString(16).padStart(2, '0')).join('');

const KEYS = ['service.name', 'service.namespace', 'service.instance.id', 'http.route', 'k', ''];
const WORDS = ['', 'checkout', 'GET /cart', 'ünïcödé', 'x'.repeat(150), 'a\u0000b', 'ot'];
const TRACE_STATES = [
  '',
  'ot=th:8',
  'ot=th:c;rv:ffffffffffffff',
  'ot=th:c;rv:00000000000000',
  'v=1,ot=th:ffffffffffffff',
];

function makeValue(random: Random, depth: number): AttributeValue {
  switch (upTo(random, depth > 2 ? 5 : 7)) {
    case 0:
      return pick(random, WORDS);
    case 1:
      return random() < 0.5;
    case 2:
      return BigInt(Math.floor((random() - 0.5) * 2 ** 53)) * BigInt(1 + upTo(random, 1000));
    case 3:
      return double((random() - 0.5) * 10 ** upTo(random, 30));
    case 4:
      return Buffer.from(hex(random, upTo(random, 9)), 'hex');
    case 5:
      return null;
    case 6:
      return Array.from({ length: upTo(random, 3) }, () => makeValue(random, depth + 1));
    default:
      return Object.fromEntries(makeAttributes(random, 3, depth + 1));
  }
}

function makeAttributes(random: Random, most: number, depth = 0): [string, AttributeValue][] {
  return Array.from({ length: upTo(random, most) }, () => [pick(random, KEYS), makeValue(random, depth)]);
}

function makeSpan(random: Random): TestSpan {
  const startNs = 1_700_000_000_000_000_000n + BigInt(upTo(random, 1_000_000));
  return {
    traceId: pick(random, [hex(random, 16), hex(random, 16), '0'.repeat(32), hex(random, 4)]),
    spanId: pick(random, [hex(random, 8), hex(random, 8), '0'.repeat(16)]),
    parentSpanId: pick(random, ['', hex(random, 8), '0'.repeat(16), hex(random, 3)]),
    traceState: pick(random, TRACE_STATES),
    name: pick(random, WORDS),
    kind: pick(random, [0, 1, 2, 3, 4, 5, 6, -1]),
    startNs: pick(random, [startNs, startNs, 0n, 2n ** 64n - 1n]),
    endNs: pick(random, [startNs + BigInt(upTo(random, 1e9)), startNs - 5n, 0n, 2n ** 63n]),
    attributes: makeAttributes(random, 6),
    droppedAttributesCount: upTo(random, 1),
    events: Array.from({ length: upTo(random, 2) }, () => ({
      timeNs: startNs,
      name: pick(random, WORDS),
      attributes: makeAttributes(random, 2),
    })),
    links: Array.from({ length: upTo(random, 2) }, () => ({
      traceId: hex(random, 16),
      spanId: hex(random, 8),
      attributes: makeAttributes(random, 2),
    })),
    flags: upTo(random, 2 ** 32 - 1),
    ...(random() < 0.5 ? { status: { code: upTo(random, 3), message: pick(random, WORDS) } } : {}),
  };
}

/** A valid request of up to 3 resources x 2 scopes x 4 spans with every kind of field. */
export function makePayload(random: Random): Buffer {
  return encodeProto(
    Array.from({ length: upTo(random, 3) }, () => ({
      attributes: makeAttributes(random, 4),
      scopes: Array.from({ length: upTo(random, 2) }, () => ({
        name: pick(random, WORDS),
        spans: Array.from({ length: upTo(random, 4) }, () => makeSpan(random)),
      })),
    })),
  );
}

const BYTES = [0, 1, 0x07, 0x08, 0x0a, 0x12, 0x4a, 0x7a, 0x7f, 0x80, 0xff];

/** One to four edits of bytes: the damage that networks, bugs and attackers do. */
export function mutate(random: Random, payload: Buffer, other: Buffer): Buffer {
  let bytes = Buffer.from(payload);
  for (let edits = 1 + upTo(random, 3); edits > 0; edits--) {
    const at = upTo(random, Math.max(0, bytes.length - 1));
    const length = 1 + upTo(random, 20);
    const otherAt = upTo(random, Math.max(0, other.length - 1));
    switch (upTo(random, 7)) {
      case 0:
        if (bytes.length > 0) bytes[at] = (bytes[at] as number) ^ (1 << upTo(random, 7));
        break;
      case 1:
        if (bytes.length > 0) bytes[at] = pick(random, BYTES);
        break;
      case 2:
        bytes = bytes.subarray(0, at);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at)]);
        break;
      case 5:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          other.subarray(otherAt, otherAt + length),
          bytes.subarray(at),
        ]);
        break;
      case 6:
        bytes = Buffer.concat([bytes, other]);
        break;
      default:
        if (bytes.length > 0) bytes[at] = ((bytes[at] as number) + (random() < 0.5 ? 1 : 255)) & 0xff;
    }
  }
  return bytes;
}
