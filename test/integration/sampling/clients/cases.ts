import type { Expected } from './draws.ts';
import type { Sdk } from './sdks.ts';

/** A service whose strategies stand in a file, and what its SDKs must do then. */
export interface FileCase {
  readonly name: string;
  readonly service: string;
  /** Its entry in the file; without it the service is unknown. */
  readonly strategy?: object;
  readonly expected: Expected;
  /** Where an SDK can't do as the others. */
  readonly instead?: Partial<Record<Sdk, Expected>>;
  /** Paths of the address that users write; Java speaks gRPC, which has none. */
  readonly paths?: Partial<Record<Sdk, string>>;
}

/** Of services that are not in the file. */
const UNKNOWN = 0.35;
/** In place of a rate limit. */
export const LIMIT_AS_PROBABILITY = 0.15;
const MANY = 250;

const probabilistic = (param: number) => ({ type: 'probabilistic', param });

/** A service with its own probability for each of some operations. */
function perOperation(param: number, operations: Expected): object {
  const entries = operations.map(([operation, probability]) => ({
    operation,
    ...probabilistic(probability),
  }));
  return { ...probabilistic(param), operation_strategies: entries };
}

/** A service without operations, its name, and how it is taken. */
function named(name: string, service: string, probability: number): FileCase {
  return {
    name,
    service,
    strategy: probabilistic(probability),
    expected: [['GET /', probability]],
  };
}

const SHOP: Expected = [
  ['GET /cart', 0.25],
  ['GET /rare', 0.01],
  ['POST /checkout', 0.9],
];

const ODD_OPERATIONS: Expected = [
  ['GET /größe/商店', 0.2],
  ['a b+c%20d&e=f#g?h', 0.3],
  ['"quoted" \\ back\ttab', 0.4],
  ['/', 0.6],
  ['🛒', 0.7],
];

/** From 0.002 to 0.998, no two alike, so that a mix-up of two would show. */
const MANY_OPERATIONS: Expected = Array.from({ length: MANY }, (_, i) => [
  `operation ${i + 1}`,
  (((i * 97) % MANY) + 0.5) / MANY,
]);

export const PLAIN = named("the service's default", 'plain', 0.3);

export const PER_OPERATION: FileCase = {
  name: 'per operation',
  service: 'shop',
  strategy: perOperation(0.75, SHOP),
  expected: [...SHOP, ['not listed', 0.75]],
};

const LIMITED: FileCase = {
  name: 'a rate limit',
  service: 'limited',
  strategy: { type: 'ratelimiting', param: 5 },
  expected: [['GET /', LIMIT_AS_PROBABILITY]],
};

const UNHEARD_OF: FileCase = {
  name: 'a service that nobody knows',
  service: 'unheard of',
  expected: [['GET /', UNKNOWN]],
};

export const FILE_CASES: readonly FileCase[] = [
  PLAIN,
  UNHEARD_OF,
  PER_OPERATION,
  {
    name: 'zero',
    service: 'never',
    strategy: perOperation(0, [['GET /some', 0.5]]),
    expected: [
      ['GET /', 0],
      ['GET /some', 0.5],
    ],
  },
  {
    name: 'zero for an operation',
    service: 'mostly',
    strategy: perOperation(0.5, [['GET /health', 0]]),
    expected: [
      ['GET /', 0.5],
      ['GET /health', 0],
    ],
  },
  {
    name: 'one',
    service: 'always',
    strategy: perOperation(1, [['GET /some', 0.5]]),
    expected: [
      ['GET /', 1],
      ['GET /some', 0.5],
    ],
  },
  {
    name: 'one for an operation',
    service: 'rarely',
    strategy: perOperation(0.5, [['POST /pay', 1]]),
    expected: [
      ['GET /', 0.5],
      ['POST /pay', 1],
    ],
  },
  {
    name: `${MANY} operations`,
    service: 'many',
    strategy: perOperation(0.45, MANY_OPERATIONS),
    expected: [...MANY_OPERATIONS, ['not listed', 0.45]],
  },
  {
    name: 'operations with odd names',
    service: 'odd operations',
    strategy: perOperation(0.5, ODD_OPERATIONS),
    expected: [...ODD_OPERATIONS, ['not listed', 0.5]],
  },
  LIMITED,
  named('service "my little shop"', 'my little shop', 0.11),
  named('service "shop/cart"', 'shop/cart', 0.22),
  named('service "100%"', '100%', 0.33),
  named('service "a%2Fb"', 'a%2Fb', 0.44),
  named('service "a+b"', 'a+b', 0.55),
  named('service "a&b=c"', 'a&b=c', 0.66),
  named('service beyond ASCII', 'größe 商店 🛒', 0.77),
  {
    ...named('service "c#shop"', 'c#shop', 0.88),
    // A browser's rule: what is after # is not sent. So the service "c" is asked for, which nobody knows.
    instead: { js: [['GET /', UNKNOWN]] },
  },
  {
    ...named('addresses that Jaeger has elsewhere', 'plain', 0.3),
    paths: { go: '/api/sampling', js: '/api/sampling', rust: '/' },
  },
];

/** The file, in Jaeger's form. */
export const STRATEGIES = {
  default_strategy: probabilistic(UNKNOWN),
  service_strategies: [
    ...new Map(
      FILE_CASES.filter(({ strategy }) => strategy !== undefined).map(({ service, strategy }) => [
        service,
        { service, ...strategy },
      ]),
    ).values(),
  ],
};

/** One of each shape that Jaeger answers in. */
export const JAEGER_CASES: readonly FileCase[] = [PLAIN, UNHEARD_OF, PER_OPERATION, LIMITED];
