import type { Conformance } from '../adaptive/controller.ts';
import type { PollersState } from '../pollers/pollers-state.ts';
import type { DecidedOperation } from '../store/store.ts';
import { decisionOf, type ReportedDecision } from './decisions-report.ts';
import { CONFORMANCE_NOTES, explain, number } from './explain.ts';

const FOLLOWS: Readonly<Partial<Record<Conformance, string>>> = {
  follows: 'The service samples as it is told.',
  unknown: 'Whether the service samples as it is told, too few roots have shown yet.',
};

/** All that is known of a decision, line by line, for people. `isObserved`: it is not served. */
export function explainFully(reported: ReportedDecision, nowMs: number, isObserved: boolean): string[] {
  const decision = decisionOf(reported);
  const served = isObserved ? observedLine(decision) : servedLine(decision, nowMs);
  const lines = [nameOf(decision), `  ${explain(decision)}`, `  ${served}`];
  const { rate, probability, samples, overS, target, budgetShare } = decision;
  if (samples > 0 && overS > 0) {
    lines.push(`  The estimate rests on ${number(samples)} sampled roots within ${ago(overS * 1000)}.`);
  }
  if (Number.isFinite(rate) && Number.isFinite(target)) {
    const sampled = number(rate * (isObserved ? decision.previous : probability));
    lines.push(
      `  By that about ${sampled} traces a second are sampled, of ${number(target)} that are wanted.`,
    );
  }
  if (Number.isFinite(budgetShare)) lines.push(`  That is ${number(budgetShare * 100)} % of the budget.`);
  const { gateLow, gateHigh, conformance, lowerBound } = decision;
  if (Number.isFinite(gateLow) && gateLow !== gateHigh) {
    lines.push(
      `  SDKs that have not asked since may still sample with ${number(gateLow)} to ${number(gateHigh)}.`,
    );
  }
  const word = CONFORMANCE_NOTES[conformance] ?? FOLLOWS[conformance];
  if (decision.inputs === undefined && word !== undefined && explain(decision).indexOf(word) < 0) {
    lines.push(`  ${word}`);
  }
  if (lowerBound > 0) {
    lines.push(
      `  An SDK that knows a lower bound keeps ${number(lowerBound)} traces a second at least, per instance.`,
    );
  }
  return [...lines, ...historyLines(reported, nowMs)];
}

/** Who asks for this service, in a line each. */
export function explainPollers({ services }: PollersState, service: string, nowMs: number): string[] {
  const pollers = services.find((each) => each.service === service)?.pollers ?? [];
  if (pollers.length === 0) return ['Nobody has asked for this service here.'];
  return pollers.map(({ client, address, instances, intervalMs, lastPollMs, transport }) => {
    const every = intervalMs === undefined ? '' : `, every ${ago(intervalMs)}`;
    const many = instances === 1 ? '' : ` (${instances} instances)`;
    return `${client} at ${address}${many} over ${transport}${every}, last ${ago(nowMs - lastPollMs)} ago`;
  });
}

function nameOf({ service, operation }: DecidedOperation): string {
  if (service === '') return 'Services that are not known';
  return operation === ''
    ? `${service}: everything that has no probability of its own`
    : `${service}: ${operation}`;
}

function servedLine({ probability, previous, changedAtMs }: DecidedOperation, nowMs: number): string {
  const since =
    changedAtMs > 0 ? `since ${timeOf(changedAtMs)}, ${ago(nowMs - changedAtMs)} ago` : 'from the beginning';
  const before = previous === probability ? '' : `; ${number(previous)} before`;
  return `Served: ${number(probability)} (${since}${before}).`;
}

function observedLine({ probability, previous }: DecidedOperation): string {
  return `Only observed: ${number(probability)} would be served, and ${number(previous)} is.`;
}

/** The newest changes. */
const SHOWN = 10;

function historyLines({ history }: ReportedDecision, nowMs: number): string[] {
  if (history === undefined || history.length === 0) return [];
  const lines = ['  Of late:'];
  for (const { atMs, probability, rule, rate } of history.slice(-SHOWN)) {
    const seen = rate === null || !Number.isFinite(rate) ? '' : `, about ${number(rate)} requests/s`;
    const when = atMs === null ? '' : `${timeOf(atMs)} (${ago(nowMs - atMs)} ago)  `;
    lines.push(`    ${when}${number(probability ?? Number.NaN)}  ${rule.replaceAll('_', ' ')}${seen}`);
  }
  return lines;
}

function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)} UTC`;
}

function ago(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  if (s < 90) return `${number(s < 10 ? s : Math.round(s))} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return s < 172_800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86_400)} days`;
}
