import type {
  OperationTraffic,
  RateStep,
  Scenario,
  ScenarioEvent,
} from '../../../sampling/simulator/scenario.ts';
import type { WrittenEvent, WrittenOperation, WrittenRate, WrittenScenario } from './scenario-schema.ts';

/** How often a wave's rate changes. */
const WAVE_STEP_S = 10;
/** Rust's SDK asks every 5 minutes unless it is told otherwise, all others every minute. */
const POLL_INTERVAL_S = { rust: 300, others: 60 };

/** What is written short, in full: waves become steps, silence and churn become rates. */
export function unfoldScenario(written: WrittenScenario, name: string): Scenario {
  const { duration, fleet, seed } = written;
  let operations = written.operations.flatMap((one) => operationsOf(one, duration));
  const events: ScenarioEvent[] = [];
  for (const event of written.events) {
    if (event.do === 'silence') operations = operations.map((one) => silenced(one, event));
    else if (event.do === 'churn') operations = churned(operations, event, duration);
    else events.push(eventOf(event));
  }
  return {
    name: written.name === '' ? name : written.name,
    seed,
    durationS: Math.ceil(duration),
    fleet: {
      instances: fleet.instances,
      pollIntervalS:
        fleet.poll_interval ?? (fleet.sdk === 'rust' ? POLL_INTERVAL_S.rust : POLL_INTERVAL_S.others),
      sdk: fleet.sdk,
      lowerBound: fleet.lower_bound ?? fleet.sdk === 'go',
      tags: fleet.tags,
      initialProbability: fleet.initial_probability,
    },
    operations,
    events: events.sort((a, b) => a.atS - b.atS),
  };
}

function operationsOf(written: WrittenOperation, durationS: number): OperationTraffic[] {
  if ('operation' in written) {
    const { service, operation, error_share } = written;
    return [{ service, operation, rate: stepsOf(written.rate, durationS), errorShare: error_share }];
  }
  const { services, operations, total_rate, zipf, error_share } = written;
  const weights = Array.from({ length: operations }, (_, rank) => (rank + 1) ** -zipf);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight, rank) => ({
    service: `service ${letters(rank % services)}`,
    operation: `operation ${letters(rank)}`,
    rate: [{ atS: 0, perSecond: (total_rate * weight) / sum }],
    errorShare: error_share,
  }));
}

/** 0 -> a, 25 -> z, 26 -> ba: a name without digits, which could be taken for an id. */
function letters(index: number): string {
  const last = String.fromCharCode(97 + (index % 26));
  return index < 26 ? last : letters(Math.floor(index / 26)) + last;
}

function stepsOf(rate: WrittenRate, durationS: number): RateStep[] {
  if (typeof rate === 'number') return [{ atS: 0, perSecond: rate }];
  if (Array.isArray(rate)) return rate.map(([atS, perSecond]) => ({ atS, perSecond }));
  const middle = (rate.low + rate.high) / 2;
  const swing = (rate.high - rate.low) / 2;
  return Array.from({ length: Math.ceil(durationS / WAVE_STEP_S) }, (_, i) => {
    const atS = i * WAVE_STEP_S;
    const phase = (2 * Math.PI * (atS + WAVE_STEP_S / 2)) / rate.period;
    return { atS, perSecond: middle - swing * Math.cos(phase) };
  });
}

function silenced(traffic: OperationTraffic, event: WrittenEvent & { do: 'silence' }): OperationTraffic {
  if (event.service !== undefined && event.service !== traffic.service) return traffic;
  if (event.operation !== undefined && event.operation !== traffic.operation) return traffic;
  const endS = event.at + event.for;
  const back = traffic.rate.findLast(({ atS }) => atS <= endS)?.perSecond ?? 0;
  const rate = [
    ...traffic.rate.filter(({ atS }) => atS < event.at),
    { atS: event.at, perSecond: 0 },
    { atS: endS, perSecond: back },
    ...traffic.rate.filter(({ atS }) => atS > endS),
  ];
  return { ...traffic, rate };
}

/** Again and again a share of the operations ends, and new ones begin in their place with the same rates. */
function churned(
  operations: readonly OperationTraffic[],
  event: WrittenEvent & { do: 'churn' },
  durationS: number,
): OperationTraffic[] {
  const places = operations.map((one) => ({ original: one, present: one, born: 0 }));
  const all: OperationTraffic[] = [];
  const each = Math.max(1, Math.round(places.length * event.share));
  let next = 0;
  for (let atS = event.at; atS < Math.min(event.until ?? durationS, durationS); atS += event.every) {
    for (let i = 0; i < each; i++) {
      const place = places[next % places.length] as (typeof places)[number];
      next += CHURN_STRIDE;
      const { original, present } = place;
      all.push({
        ...present,
        rate: [...present.rate.filter((step) => step.atS < atS), { atS, perSecond: 0 }],
      });
      const now = original.rate.findLast((step) => step.atS <= atS)?.perSecond ?? 0;
      place.born += 1;
      place.present = {
        ...original,
        operation: `${original.operation} ${letters(place.born)}`,
        rate: [{ atS, perSecond: now }, ...original.rate.filter((step) => step.atS > atS)],
      };
    }
  }
  return [...all, ...places.map(({ present }) => present)];
}

/** Goes round all operations (it is prime), so that large and small ones leave in turn. */
const CHURN_STRIDE = 7919;

function eventOf(event: Exclude<WrittenEvent, { do: 'silence' | 'churn' }>): ScenarioEvent {
  const { at: atS } = event;
  switch (event.do) {
    case 'failover':
      return { do: 'failover', atS, forS: event.for };
    case 'lag':
      return { do: 'lag', atS, forS: event.for };
    case 'deploy':
      return { do: 'deploy', atS, forS: event.for, service: event.service };
    case 'skew':
      return { do: 'skew', atS, seconds: event.seconds, service: event.service, instances: event.instances };
    case 'nonconforming':
      return { do: 'nonconforming', atS, service: event.service, instances: event.instances };
  }
}
