import {
  type AttributeValue,
  double,
  type TestEvent,
  type TestResource,
  type TestScope,
  type TestSpan,
} from '../../test/support/spans.ts';

/** Draws from lists, the same for a seed. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  chance(probability: number): boolean {
    return this.below(1_000_000) < probability * 1_000_000;
  }
}

const NAMES = ['GET /', 'POST /cart/{id}', '', 'größe', 'a"b\\c\nd', 'SELECT', 'x'.repeat(300)];
const DURATIONS_NS = [0, 1, 999_999, 2e6, 2e6 + 1, 1e7, 123_456_789, 1e9, 1.4e9, 15e9, 15e9 + 1, 3.6e12];

/** Integer weights: the collector rounds others at random. */
const TRACE_STATES = [
  '',
  '',
  '',
  'ot=th:8',
  'ot=th:c',
  'ot=th:f',
  'ot=th:0',
  'ot=th:8;rv:9abcdefabcdefa',
  'vendor=1,ot=th:c,other=2',
  'ot=rv:abcdefabcdefab',
  'ot=th:nonsense',
  'vendor=ot',
];

const VALUES: readonly AttributeValue[] = [
  'GET',
  '',
  '/cart/{id}',
  'ü"\\\n',
  200,
  -1,
  9_007_199_254_740_993n,
  double(2),
  0.1,
  1e21,
  -1e-7,
  true,
  false,
  null,
  new Uint8Array([1, 2, 255]),
  ['a', 1, [true, null]],
  { b: 1, a: { c: 'x' } },
  [],
  {},
];

const KEYS = [
  'http.method',
  'http.status_code',
  'http.route.name',
  'http.a-b',
  'region',
  'k8s.pod.name',
  '2nd.key',
  'ключ',
];
const EVENT_KEYS = ['exception.type', 'exception.escaped', 'region', 'http.method'];
const SCOPES: readonly Omit<TestScope, 'spans'>[] = [
  {},
  { name: 'express', version: '1.0.0' },
  { name: 'http' },
];

/**
 * A request of up to three resources. Its services are its own, so that a difference names the batch; one in ten
 * resources is of a service that all batches share.
 *
 * What is known to be different is not drawn: see docs/differences.md.
 */
export function batch(index: number, seed: number, startNs: bigint): TestResource[] {
  const dice = new Dice(seed * 1_000_003 + index);
  return Array.from({ length: 1 + dice.below(3) }, () => resource(dice, index, startNs));
}

function resource(dice: Dice, index: number, startNs: bigint): TestResource {
  const scopes = Array.from({ length: 1 + dice.below(2) }, (_, i) => {
    const spans = Array.from({ length: 1 + dice.below(4) }, () => span(dice, startNs));
    // The collector gives a series the scope of its first span: here a scope's spans have names of their own.
    const scope = SCOPES[(dice.below(SCOPES.length) + i) % SCOPES.length] as Omit<TestScope, 'spans'>;
    return { ...scope, spans: spans.map((one) => ({ ...one, name: `${scope.name ?? ''} ${one.name}` })) };
  });
  const isNameless = dice.chance(0.05);
  return { attributes: isNameless ? { region: 'nowhere' } : identity(dice, index), scopes };
}

/**
 * The other attributes of a resource follow from its identity: where they don't, the collector lets resources
 * overwrite each other.
 */
function identity(dice: Dice, index: number): Record<string, AttributeValue> {
  const isShared = dice.chance(0.1);
  const service = isShared ? 'shared' : `b${index}-${dice.of(['shop', 'cart', 'pay "x"', 'größe'])}`;
  const namespace = dice.of(['', 'prod']);
  const instance = dice.of(['', 'i-1', 'i-2']);
  const attributes: Record<string, AttributeValue> = { 'service.name': service };
  if (namespace !== '') attributes['service.namespace'] = namespace;
  if (instance !== '') attributes['service.instance.id'] = instance;
  if (instance === 'i-1') Object.assign(attributes, { region: 'eu', 'k8s.pod.name': 'pod-1', 'http.a-b': 7 });
  if (instance === 'i-2') Object.assign(attributes, { region: 'us', '2nd.key': true });
  return attributes;
}

function span(dice: Dice, startNs: bigint): TestSpan {
  const isBackwards = dice.chance(0.05);
  const start = startNs + BigInt(dice.below(30_000)) * 1_000_000n;
  const traceState = dice.of(TRACE_STATES);
  return {
    name: dice.of(NAMES),
    kind: dice.below(6),
    ...(dice.chance(0.8) ? { status: { code: dice.below(3) } } : {}),
    traceId: hex(dice, 16),
    spanId: hex(dice, 8),
    startNs: start,
    endNs: isBackwards ? start - 1000n : start + BigInt(dice.of(DURATIONS_NS)),
    ...(traceState === '' ? {} : { traceState }),
    attributes: attributes(dice, KEYS, 4),
    events: Array.from({ length: dice.chance(0.3) ? 1 + dice.below(3) : 0 }, (): TestEvent => {
      const own = Object.fromEntries(attributes(dice, EVENT_KEYS, 3));
      return { timeNs: start, name: 'exception', attributes: own };
    }),
  };
}

/** A key may come twice: then the first counts. (In an event the collector takes the last.) */
function attributes(dice: Dice, keys: readonly string[], limit: number): [string, AttributeValue][] {
  return Array.from({ length: dice.below(limit + 1) }, () => [dice.of(keys), dice.of(VALUES)]);
}

function hex(dice: Dice, bytes: number): string {
  return Array.from({ length: bytes }, () => (1 + dice.below(255)).toString(16).padStart(2, '0')).join('');
}

/** Services with several identities, which look alike where nothing of the resource is shown. */
export function ambiguousServices(requests: readonly (readonly TestResource[])[]): ReadonlySet<string> {
  const identities = new Map<string, Set<string>>();
  for (const { attributes } of requests.flat()) {
    const { 'service.name': service, ...others } = attributes as Record<string, AttributeValue>;
    if (typeof service !== 'string') continue;
    const known = identities.get(service) ?? new Set();
    identities.set(service, known.add(JSON.stringify(others)));
  }
  return new Set([...identities].filter(([, known]) => known.size > 1).map(([service]) => service));
}
