import { measure, type Run } from './kafka/measure.ts';
import { inTurn, ours } from './kafka/sides.ts';
import { type Figure, median, tellFigures } from './support/figures.ts';
import { Session } from './support/session.ts';
import { deleteTopics, fillTopic } from './support/topic.ts';
import { Workload } from './workload.ts';

/** A shape of traffic: services x operations x 2 kinds x 3 statuses are its series. */
interface Shape {
  readonly name: string;
  readonly services: number;
  readonly operations: number;
  readonly partitions: number;
}

interface Comparison {
  readonly what: string;
  readonly shapes: readonly [Shape, ...Shape[]];
  /** What the last shape may cost over the first. */
  readonly limit: number;
}

const shape = (name: string, services: number, operations: number, partitions = 8): Shape => ({
  name,
  services,
  operations,
  partitions,
});

/** By services, the number of series stays the same. */
const COMPARISONS: Readonly<Record<'tiny' | 'full', readonly Comparison[]>> = {
  tiny: [
    { what: 'series', shapes: [shape('1 k', 50, 3), shape('10 k', 50, 33)], limit: 2 },
    { what: 'services', shapes: [shape('10', 10, 100), shape('1 k', 1000, 1)], limit: 1.3 },
    { what: 'partitions', shapes: [shape('1', 50, 20, 1), shape('32', 50, 20, 32)], limit: 1.2 },
  ],
  full: [
    {
      what: 'series',
      shapes: [shape('1 k', 50, 3), shape('100 k', 50, 333), shape('1 M', 50, 3333)],
      limit: 2,
    },
    { what: 'services', shapes: [shape('10', 10, 1000), shape('10 k', 10_000, 1)], limit: 1.3 },
    { what: 'partitions', shapes: [shape('1', 50, 20, 1), shape('256', 50, 20, 256)], limit: 1.2 },
  ],
};
interface Plan {
  readonly spans: number;
  readonly repeats: number;
  readonly isWarmedUp: boolean;
}

const PLANS: Readonly<Record<'tiny' | 'full', Plan>> = {
  tiny: { spans: 5000, repeats: 1, isWarmedUp: false },
  full: { spans: 600_000, repeats: 3, isWarmedUp: true },
};
/** Three times as many spans where there are so many series, or half of them would never come. */
const MANY_OPERATIONS = 1000;

/** Nothing is folded: the limits that guard a block against too many names are off, in every run alike. */
const LIMITS = { names_per_service: 0, series_per_service: 0, series: 0, values_per_dimension: 0 };
const OPTIONS = {
  spanMetrics: { aggregation_cardinality_limit: 1_100_000, cardinality: LIMITS },
  prometheus: { max_series: 1_100_000 },
};
const OURS = ours('spanweir', OPTIONS);
const WARM_UP = ours('warm-up', OPTIONS);

/**
 * What a span costs from Kafka to /metrics with ever more series, services, partitions. The same spans are on the
 * topic twice: in the first half series are born, in the second nothing is new. The second half is judged.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const figures: Figure[] = [];
  const session = await Session.open();
  try {
    for (const comparison of COMPARISONS[size])
      figures.push(...(await compare(session, comparison, PLANS[size])));
    return tellFigures('scaling', figures, NOTE);
  } finally {
    await session.end();
  }
}

const NOTE =
  'Medians of three repeats in turn. The same 0.6 M spans are on each topic twice (1.8 M where there are a million series); judged is the CPU of the second half, when no series is new; ' +
  "in brackets that of all from readiness, births and compiler included. Every series' count was held against the ledger.";

async function compare(
  session: Session,
  { limit, shapes, what }: Comparison,
  { isWarmedUp, repeats, spans }: Plan,
): Promise<Figure[]> {
  const topics = [];
  for (const shape of shapes) topics.push(await fill(session, shape, spans));
  // The first run of what was just written is not counted.
  if (isWarmedUp) await measure(session, WARM_UP, topics[0] as (typeof topics)[0]);
  const runs = new Map<Shape, Run[]>(shapes.map((shape) => [shape, []]));
  for (const filled of inTurn(topics, repeats)) {
    console.log(`${filled.shape.name} ${what}:`);
    runs.get(filled.shape)?.push(await measure(session, OURS, filled));
  }
  // All of them together would not fit into memory, where that is the file system.
  await deleteTopics(
    session.brokers,
    topics.map(({ topic }) => topic),
  );
  const costOf = (shape: Shape, of: (run: Run) => number): number => median((runs.get(shape) ?? []).map(of));
  const [first] = shapes;
  const later = (run: Run): number => run.laterCpuS / run.laterSpans;
  const whole = (run: Run): number => run.cpuS / run.spans;
  return shapes.map((shape, i) => {
    const ratio = costOf(shape, later) / costOf(first, later);
    const isLast = i === shapes.length - 1;
    const cost = `${perMillion(costOf(shape, later))} CPU-s per M spans (${perMillion(costOf(shape, whole))})`;
    const isFirst = i === 0;
    return {
      what: `${shape.name} ${what}`,
      figure: isFirst
        ? cost
        : `${ratio.toFixed(2)}x (${(costOf(shape, whole) / costOf(first, whole)).toFixed(2)}x): ${cost}`,
      target: isLast ? `<= ${limit}x` : '',
      ...(isLast && { isMet: ratio <= limit }),
    };
  });
}

async function fill(session: Session, shape: Shape, spans: number) {
  const { name, operations, partitions, services } = shape;
  const topic = `t-${services}-${operations}-${partitions}`;
  const startNs = BigInt(Date.now() - 60_000) * 1_000_000n;
  const options = { spans: operations > MANY_OPERATIONS ? 3 * spans : spans, services, operations, startNs };
  const workload = new Workload(options);
  await fillTopic(session.brokers, topic, { partitions, workload });
  await fillTopic(session.brokers, topic, { partitions, workload: new Workload(options), isNew: false });
  const born = workload.ledger.series.filter((series) => series.spans > 0).length;
  console.log(`${name}: ${born} series`);
  return { shape, topic, ledger: workload.ledger, copies: 2 };
}

function perMillion(cpuSPerSpan: number): string {
  return (cpuSPerSpan * 1e6).toFixed(2);
}
