import { beforeAll, describe, test } from 'vitest';
import { bench as codecs } from '../../../bench/codecs.bench.ts';
import { bench as cpu } from '../../../bench/cpu.bench.ts';
import { bench as differential } from '../../../bench/differential.bench.ts';
import { bench as freshness } from '../../../bench/freshness.bench.ts';
import { bench as ledger } from '../../../bench/ledger.bench.ts';
import { bench as nameBomb } from '../../../bench/name-bomb.bench.ts';
import { bench as nativeCost } from '../../../bench/native-cost.bench.ts';
import { bench as otlpCpu } from '../../../bench/otlp-cpu.bench.ts';
import { bench as outage } from '../../../bench/outage.bench.ts';
import { bench as overload } from '../../../bench/overload.bench.ts';
import { bench as pace } from '../../../bench/pace.bench.ts';
import { bench as parity } from '../../../bench/parity.bench.ts';
import { bench as protocolCost } from '../../../bench/protocol-cost.bench.ts';
import { bench as recovery } from '../../../bench/recovery.bench.ts';
import { bench as redIntervals } from '../../../bench/red-intervals.bench.ts';
import { bench as replayEqual } from '../../../bench/replay-equal.bench.ts';
import { bench as sampling } from '../../../bench/sampling.bench.ts';
import { bench as samplingControl } from '../../../bench/sampling-control.bench.ts';
import { bench as samplingPolls } from '../../../bench/sampling-polls.bench.ts';
import { bench as scaling } from '../../../bench/scaling.bench.ts';
import { bench as scrape } from '../../../bench/scrape.bench.ts';
import { bench as seriesMemory } from '../../../bench/series-memory.bench.ts';
import { bench as smallMessages } from '../../../bench/small-messages.bench.ts';
import { bench as startUp } from '../../../bench/start-up.bench.ts';
import { bench as storeCpu } from '../../../bench/store-cpu.bench.ts';
import { bench as workers } from '../../../bench/workers.bench.ts';
import { ensureCollector } from '../../../scripts/parts/collector.mjs';

const BUILD_MS = 25 * 60_000;
const PATIENCE_MS = 6 * 60_000;

// Minutes on a new machine; without Go this says so, and what to do.
beforeAll(() => ensureCollector(), BUILD_MS);

test('a lone span is queryable within 3 seconds', async ({ expect }) => {
  expect(await freshness('tiny')).toBe(true);
});

/** Most of their time is waiting, so they run beside each other: three at a time, since each starts engines of its own. */
describe.concurrent('the benches that print what must be shown are right at their tiny size', () => {
  const first = turns();
  const second = turns();
  const options = { timeout: PATIENCE_MS };

  test(
    'a real SDK follows the served probabilities, which follow the traffic',
    options,
    async ({ expect }) => {
      expect(await sampling('tiny')).toBe(true);
    },
  );

  test(
    'simulated traffic is held at its target, through a lag and a failover',
    options,
    async ({ expect }) => {
      expect(await first(() => samplingControl('tiny'))).toBe(true);
    },
  );

  test('each of many polls is answered with what its service must get', options, async ({ expect }) => {
    expect(await second(() => samplingPolls('tiny'))).toBe(true);
  });

  test('the collector and we show the same series and values', options, async ({ expect }) => {
    expect(await first(() => parity('tiny'))).toBe(true);
  });

  test('random requests are counted alike in every configuration', options, async ({ expect }) => {
    expect(await second(() => differential('tiny'))).toBe(true);
  });

  test('nothing acknowledged is lost when engine and database come and go', options, async ({ expect }) => {
    expect(await second(() => outage('tiny'))).toBe(true);
  });

  // At this size the figures say nothing; that it runs to its end says that both sides counted every span.
  test('the CPU of both is compared on one topic', options, async ({ expect }) => {
    expect(await first(() => cpu('tiny'))).toBeTypeOf('boolean');
  });

  test.for([
    ['packed topics', codecs],
    ['small and large messages', smallMessages],
    ['many series, services and partitions', scaling],
    ['one worker and two', workers],
  ] as const)(
    'every series is right and the CPU is measured with %s',
    options,
    async ([, bench], { expect }) => {
      expect(await second(() => bench('tiny'))).toBeTypeOf('boolean');
    },
  );

  test('the CPU of effect-once is compared with at-least-once', options, async ({ expect }) => {
    expect(await first(() => protocolCost('tiny'))).toBeTypeOf('boolean');
  });

  // A wrong span in either's tables rejects; at these sizes a start is most of what is measured.
  test('what a stored span costs is compared with the collector', options, async ({ expect }) => {
    expect(await second(() => storeCpu('tiny'))).toBeTypeOf('boolean');
  });

  test('what a stored span costs is compared with JSONEachRow', options, async ({ expect }) => {
    expect(await first(() => nativeCost('tiny'))).toBeTypeOf('boolean');
  });

  // How soon depends on what else the machine does; a span that is lost or double rejects.
  test('a killed process and a lost ClickHouse cost no span and double none', options, async ({ expect }) => {
    expect(await second(() => recovery('tiny'))).toBeTypeOf('boolean');
  });

  // So does how soon they are.
  test(
    'the age of spans when queryable is measured with 8 and 64 partitions',
    options,
    async ({ expect }) => {
      expect(await first(() => pace('tiny'))).toBeTypeOf('boolean');
    },
  );

  test('a bomb of span names leaves totals exact and others alone', options, async ({ expect }) => {
    expect(await first(() => nameBomb('tiny'))).toBe(true);
  });

  test(
    'a topic fills the RED tables alike however often and by whomever it is read',
    options,
    async ({ expect }) => {
      expect(await second(() => replayEqual('tiny'))).toBe(true);
    },
  );

  test('true counts lie in the stated intervals as often as stated', options, async ({ expect }) => {
    expect(await first(() => redIntervals('tiny'))).toBe(true);
  });

  // Each rejects when a series does not count what was acknowledged; how much CPU that took says nothing here.
  for (const [name, measure] of Object.entries({ otlpCpu, overload, scrape, seriesMemory, startUp })) {
    test(`OTLP and Prometheus are measured on right counts: ${name}`, options, async ({ expect }) => {
      expect(await second(() => measure('tiny'))).toBeTypeOf('boolean');
    });
  }

  test('every span of a topic is in every ledger once', options, async ({ expect }) => {
    expect(await second(() => ledger('tiny'))).toBe(true);
  });
});

/** Runs what it is given one after the other. */
function turns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}
