import { afterAll, beforeAll, describe, test } from 'vitest';
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
import { bench as samplingPolls } from '../../../bench/sampling-polls.bench.ts';
import { bench as scaling } from '../../../bench/scaling.bench.ts';
import { bench as scrape } from '../../../bench/scrape.bench.ts';
import { bench as seriesMemory } from '../../../bench/series-memory.bench.ts';
import { bench as smallMessages } from '../../../bench/small-messages.bench.ts';
import { bench as startUp } from '../../../bench/start-up.bench.ts';
import { bench as storeCpu } from '../../../bench/store-cpu.bench.ts';
import { shareBroker } from '../../../bench/support/session.ts';
import { bench as workers } from '../../../bench/workers.bench.ts';
import { ensureCollector } from '../../../scripts/parts/collector.mjs';

const BUILD_MS = 25 * 60_000;
const PATIENCE_MS = 6 * 60_000;

/** At this size the figures say nothing, nor how soon anything is: each rejects when a series, a row or a stored span is not what was sent. */
const MEASURED = 'boolean';
/** What is shown holds at any size. */
const HELD = true;

/** What takes longest comes first: four run at a time (see vitest.config.ts). */
const BENCHES = [
  ['a real SDK follows the served probabilities, which follow the traffic', sampling, HELD],
  ['a killed process and a lost ClickHouse cost no span and double none', recovery, MEASURED],
  ['nothing acknowledged is lost when engine and database come and go', outage, HELD],
  ['the age of spans when queryable is measured with 8 and 64 partitions', pace, MEASURED],
  ['the collector and we show the same series and values', parity, HELD],
  ['the CPU of both is compared on one topic', cpu, MEASURED],
  ['every series is right with packed topics', codecs, MEASURED],
  ['random requests are counted alike in every configuration', differential, HELD],
  ['every series is right with small and large messages', smallMessages, MEASURED],
  ['every series is right with many series, services and partitions', scaling, MEASURED],
  ['a topic fills the RED tables alike however often and by whomever it is read', replayEqual, HELD],
  ['every span of a topic is in every ledger once', ledger, HELD],
  ['every series is right over OTLP, as it is of the collector', otlpCpu, MEASURED],
  ['what a stored span costs is compared with the collector', storeCpu, MEASURED],
  ['what a stored span costs is compared with JSONEachRow', nativeCost, MEASURED],
  ['the CPU of effect-once is compared with at-least-once', protocolCost, MEASURED],
  ['a bomb of span names leaves totals exact and others alone', nameBomb, HELD],
  ['each of many polls is answered with what its service must get', samplingPolls, HELD],
  ['every series is right with one worker and two', workers, MEASURED],
  ['every series is right when more comes than is accepted', overload, MEASURED],
  ['true counts lie in the stated intervals as often as stated', redIntervals, HELD],
  ['every series is there when there are many', seriesMemory, MEASURED],
  ['every series is right while it is scraped', scrape, MEASURED],
  ['a start ends with readiness', startUp, MEASURED],
] as const;

let endBroker = async (): Promise<void> => {};

// Minutes on a new machine; without Go this says so, and what to do.
beforeAll(async () => {
  await ensureCollector();
  endBroker = await shareBroker();
}, BUILD_MS);
afterAll(() => endBroker());

test('a lone span is queryable within 3 seconds', async ({ expect }) => {
  expect(await freshness('tiny')).toBe(true);
});

describe.concurrent('the benches that print what must be shown are right at their tiny size', () => {
  test.for(BENCHES)('%s', { timeout: PATIENCE_MS }, async ([, bench, wanted], { expect }) => {
    const isMet = await bench('tiny');
    if (wanted === HELD) expect(isMet).toBe(true);
    else expect(isMet).toBeTypeOf('boolean');
  });
});
