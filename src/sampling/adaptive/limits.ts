import type { BudgetNode } from './budget-node.ts';
import type { Budget } from './options.ts';

/** What a budget can count. */
export type Resource = 'traces' | 'spans' | 'bytes';

export interface Limit {
  readonly resource: Resource;
  readonly perSecond: number;
}

/** What others take of a budget leaves at least this part of it. */
const LEAST_LEFT = 0.2;

export function leftOf(perSecond: number, node: BudgetNode): number {
  return Math.max(LEAST_LEFT * perSecond, perSecond - node.besidePerSecond);
}

/** What is to be shared out so that the budget is what it comes to. */
export function shareable(perSecond: number, resource: Resource, node: BudgetNode): number {
  return (resource === 'traces' ? leftOf(perSecond, node) : perSecond) * node.correction;
}

export function limitsOf(budget: Budget): readonly Limit[] {
  const limits: Limit[] = [];
  const { tracesPerSecond, spansPerSecond, bytesPerSecond } = budget;
  if (tracesPerSecond !== undefined) limits.push({ resource: 'traces', perSecond: tracesPerSecond });
  if (spansPerSecond !== undefined) limits.push({ resource: 'spans', perSecond: spansPerSecond });
  if (bytesPerSecond !== undefined) limits.push({ resource: 'bytes', perSecond: bytesPerSecond });
  return limits;
}
