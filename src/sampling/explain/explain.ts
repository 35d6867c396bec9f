import type { Conformance, ControlDecision } from '../adaptive/controller.ts';
import { CONTROL_RULES, type ControlRule } from '../adaptive/rules.ts';
import { REASONS, type Reason } from '../jaeger/reasons.ts';
import type { DecidedOperation } from '../store/store.ts';

/** Why the probability is what it is, in one sentence with the numbers that led to it. */
export function explain(decision: DecidedOperation): string {
  if (decision.inputs !== undefined && isReason(decision.rule)) return explainJaeger(decision, decision.rule);
  if (!isRule(decision.rule)) return `${decision.rule}.`;
  const suffix = CONFORMANCE_NOTES[decision.conformance];
  const sentence = isEverything(decision) ? everything : SENTENCES[decision.rule];
  return `${sentence(wordsOf(decision))}${suffix === undefined ? '' : ` ${suffix}`}`;
}

/** What is known of how the service samples, where that is worth a word. */
export const CONFORMANCE_NOTES: Readonly<Partial<Record<Conformance, string>>> = {
  samples_more: 'The service keeps traces that it was told to leave out.',
  samples_less: 'The service leaves out traces that it was told to keep.',
  not_uniform: "The service's trace ids are not random enough to count by.",
};

interface Words {
  readonly rate: string;
  readonly target: string;
  readonly moved: string;
  readonly probability: string;
}

function wordsOf({ rate, rateLow, rateHigh, target, previous, probability }: ControlDecision): Words {
  const interval =
    Number.isFinite(rateLow) && Number.isFinite(rateHigh)
      ? ` (${number(rateLow)} to ${number(rateHigh)})`
      : '';
  return {
    rate: Number.isFinite(rate)
      ? `about ${number(rate)} requests/s${interval}`
      : 'an unknown number of requests',
    target: Number.isFinite(target) ? `target ${number(target)}/s` : 'no target',
    moved: `${number(previous)} → ${number(probability)}`,
    probability: number(probability),
  };
}

/** Where there is not more than is wanted, no rule has anything to weigh. */
function isEverything({ probability, rate, target, rule }: ControlDecision): boolean {
  const isWeighed = rule === 'kept' || rule === 'raised' || rule === 'maximum';
  return probability === 1 && isWeighed && rate <= target;
}

function everything({ rate, target }: Words): string {
  return `Everything is sampled: there are ${rate}, ${target}.`;
}

const SENTENCES: Readonly<Record<ControlRule, (words: Words) => string>> = {
  initial: ({ probability }) => `Begins with ${probability}: nothing is known yet.`,
  stored: ({ probability }) =>
    `Taken over with ${probability} from before the restart, not decided on since.`,
  cold_start: ({ moved, target }) => `${moved}: few roots so far; as much as the ${target} allows.`,
  kept: ({ rate, target }) =>
    `Kept: there are ${rate}, ${target}; the difference is within what samples can tell.`,
  raised: ({ moved, rate, target }) => `Raised ${moved}: there are ${rate}, ${target}.`,
  raised_carefully: ({ moved, rate, target }) =>
    `Raised carefully ${moved}: there are ${rate}, ${target}, but samples are few or the last raise is on its way.`,
  lowered: ({ moved, rate, target }) => `Lowered ${moved}: there are ${rate}, ${target}.`,
  silent: ({ probability }) => `Kept at ${probability}: no root for longer than chance explains.`,
  silent_long: ({ moved }) => `${moved}: silent for long, so that what is left of the traffic is seen.`,
  minimum: ({ probability, rate, target }) =>
    `At the lowest allowed value ${probability}: there are ${rate}, ${target}.`,
  maximum: ({ probability, rate, target }) =>
    `At the highest allowed value ${probability}: there are ${rate}, ${target}.`,
  fixed: ({ probability }) => `Fixed at ${probability} by an override, or by the file.`,
  never: () => 'Never sampled: an override says so.',
  boosted: ({ moved, rate }) =>
    `Boosted ${moved} for a while: its errors or durations left what they were; there are ${rate}.`,
  not_followed: ({ probability }) =>
    `Kept at ${probability}: the service does not sample as it is told, so its traces do not tell its traffic.`,
  tail: ({ probability }) =>
    `One of too many operations of its service: the service's default ${probability} holds.`,
  left: ({ probability }) => `No root for an hour: the service's default ${probability} holds.`,
  siblings: ({ probability }) =>
    `${probability} for all that has no probability of its own, by the traffic of its siblings.`,
};

/** In Jaeger's terms: rates are of sampled roots. */
function explainJaeger(decision: DecidedOperation, reason: Reason): string {
  const { rate, target, probability, previous, inputs } = decision;
  const sampled = `${number(rate * probability)}/s sampled`;
  const aim = `target ${number(target)}/s`;
  const moved = `${number(previous)} → ${number(probability)}`;
  const tolerance = inputs === undefined ? '' : `${number(inputs.tolerance * 100)} % of `;
  const sentences: Record<Reason, string> = {
    within_tolerance: `Kept: ${sampled} is within ${tolerance}the ${aim}.`,
    raised: `Raised ${moved}: ${sampled} is below the ${aim}.`,
    raised_capped: `Raised ${moved}, the most that one step may: ${sampled} is far below the ${aim}.`,
    lowered: `Lowered ${moved}: ${sampled} is above the ${aim}.`,
    no_traffic_doubled: `Doubled ${moved}: no sampled root span was seen lately.`,
    not_using: `Kept: no root span sampled with the last value has been seen yet (${sampled}, ${aim}).`,
    floor: `At the lowest allowed value: ${sampled} is still above the ${aim}.`,
    ceiling: `Everything is sampled: ${sampled} does not exceed the ${aim}.`,
  };
  return sentences[reason];
}

function isRule(rule: string): rule is ControlRule {
  return (CONTROL_RULES as readonly string[]).includes(rule);
}

function isReason(rule: string): rule is Reason {
  return (REASONS as readonly string[]).includes(rule);
}

/** Three digits. */
export function number(value: number): string {
  if (value === 0) return '0';
  return String(Number(value.toPrecision(3)));
}
