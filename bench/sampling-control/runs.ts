import { readFileSync } from 'node:fs';
import { simulatedControl } from '../../src/app/commands/simulate/create-controller.ts';
import { type ReadScenario, readScenario } from '../../src/app/commands/simulate/read-scenario.ts';
import { type Measures, measure, measuredFromS } from '../../src/sampling/simulator/measures.ts';
import type { Fleet, Scenario } from '../../src/sampling/simulator/scenario.ts';
import type { OperationSeries } from '../../src/sampling/simulator/series.ts';
import { Simulation, type SimulationNotes } from '../../src/sampling/simulator/simulation.ts';

/** What a run has otherwise than its scenario says. */
export interface Change {
  readonly seed?: number;
  readonly durationS?: number;
  readonly fleet?: Partial<Fleet>;
  readonly events?: Scenario['events'];
  readonly operations?: Scenario['operations'];
  readonly algorithm?: 'adaptive' | 'jaeger';
}

export interface Run {
  readonly scenario: Scenario;
  readonly series: readonly OperationSeries[];
  readonly notes: SimulationNotes;
}

/** A file of scenarios/. */
export function load(file: string): ReadScenario {
  const path = new URL(`../../scenarios/${file}`, import.meta.url);
  const read = readScenario(readFileSync(path, 'utf8'), file);
  if ('problems' in read) throw new Error(read.problems.join('\n'));
  return read;
}

export function runOf(read: ReadScenario, change: Change = {}): Run {
  const { algorithm = read.controller.algorithm, fleet, ...others } = change;
  const scenario = { ...read.scenario, ...others, fleet: { ...read.scenario.fleet, ...fleet } };
  const { create, rhythm } = simulatedControl({ ...read.controller, algorithm });
  const simulation = new Simulation(scenario, create, rhythm);
  simulation.run(scenario.durationS);
  return { scenario, series: simulation.series(), notes: simulation.notes() };
}

/** Of the first operation, from where its traffic says or from `fromS` on. */
export function measuresOf({ scenario, series }: Run, fromS?: number): Measures {
  const [first] = series;
  if (first === undefined) throw new Error(`${scenario.name} has no operation`);
  return measure(first, fromS ?? measuredFromS(scenario.operations[0]?.rate ?? [], scenario.events));
}

/** All but the last digit of sums over windows of `length` values: by where they begin. */
export function windowMeans(values: Float64Array, length: number): Float64Array {
  const means = new Float64Array(Math.max(0, values.length - length + 1));
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i] as number;
    if (i >= length) sum -= values[i - length] as number;
    if (i >= length - 1) means[i - length + 1] = sum / length;
  }
  return means;
}

/** Element by element. */
export function sumOf(columns: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(columns[0]?.length ?? 0);
  for (const column of columns)
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (column[i] as number);
  return sum;
}
