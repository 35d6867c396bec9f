import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { SpanweirError, toError } from '../../../base/errors.ts';
import { type OperationSeries, pointAt } from '../../../sampling/simulator/series.ts';
import { Simulation } from '../../../sampling/simulator/simulation.ts';
import {
  countOf,
  EXIT,
  type GivenArguments,
  isGiven,
  type StandaloneCommand,
  type StandaloneIo,
  textOf,
  UsageError,
} from '../command.ts';
import { braillePlot } from './braille-plot.ts';
import { simulatedControl } from './create-controller.ts';
import { htmlReport, timeText } from './html-report.ts';
import { type ReadScenario, readScenario } from './read-scenario.ts';
import { type OperationSummary, summarize, summaryJson, summaryTable } from './summary.ts';

const HELP = `spanweir simulate - tries a controller's settings on traffic that is made up

Usage: spanweir simulate SCENARIO.yaml [--out series.jsonl] [--html report.html] [--json] [--seed N]

Simulates SDKs that sample and poll, the way of their spans, and the very controller that the engine runs:
hours in a second. What a scenario is made of is in docs/simulate.md; scenarios/ has some to begin with.

Options:
  --out FILE         a line of JSON per 10 s and operation: t, service, operation, rate, probability, sampled,
                     lower_bound
  --html FILE        a page with the table and plots, which needs nothing else
  --json             print the summary as JSON instead of a table and plots
  --seed N           instead of the scenario's seed
  --from SECONDS     measure from this time on; without it, from the first change of an operation's rate or
                     the first event
  --plots N          plots of the N busiest operations (default 3 in the terminal, 20 in the page)
  --rows N           rows of the table (default 20)
`;

const PLOTS = { terminal: 3, html: 20 };
const ROWS = 20;
const BAR_CELLS = 30;
/** Simulated at once, before the terminal and signals are looked at. */
const CHUNK_S = 60;

export const simulateCommand: StandaloneCommand = {
  name: 'simulate',
  summary: 'try settings of adaptive sampling on a scenario of traffic, hours in a second',
  help: HELP,
  needsConfig: false,
  options: {
    out: { type: 'string' },
    html: { type: 'string' },
    json: { type: 'boolean' },
    seed: { type: 'string' },
    from: { type: 'string' },
    plots: { type: 'string' },
    rows: { type: 'string' },
  },
  takesWords: true,
  run: simulate,
};

async function simulate(given: GivenArguments, io: StandaloneIo, stop: AbortSignal): Promise<number> {
  const [path, ...more] = given.positionals;
  if (path === undefined) throw new UsageError('no scenario: spanweir simulate SCENARIO.yaml');
  if (more.length > 0) throw new UsageError(`"${more.join(' ')}" is too much: one scenario at a time`);
  const found = readScenario(readText(path), path);
  if ('problems' in found) {
    for (const problem of found.problems) io.complain(problem);
    return EXIT.config;
  }
  const read = withSeed(found, countOf(given, 'seed'));
  const { create, rhythm } = simulatedControl(read.controller);
  const simulation = new Simulation(read.scenario, create, rhythm);
  await runAll(simulation, io, stop);
  if (stop.aborted) return EXIT.interrupted;
  const series = simulation.series();
  const summaries = summarize(read.scenario, series, countOf(given, 'from'));
  const out = textOf(given, 'out');
  if (out !== undefined) writeSeries(out, series, io);
  const html = textOf(given, 'html');
  const plots = countOf(given, 'plots');
  if (html !== undefined) {
    const report = {
      ...read,
      series,
      summaries,
      plots: plots ?? PLOTS.html,
      algorithm: read.controller.algorithm,
    };
    write(html, () => writeFileSync(html, htmlReport(report)));
  }
  io.progress(undefined);
  if (isGiven(given, 'json')) printJson(read, simulation, summaries, io);
  else printTable({ simulation, series, summaries, plots: plots ?? PLOTS.terminal }, given, io);
  return EXIT.ok;
}

function withSeed(read: ReadScenario, seed: number | undefined): ReadScenario {
  return seed === undefined ? read : { ...read, scenario: { ...read.scenario, seed } };
}

async function runAll(simulation: Simulation, { progress }: StandaloneIo, stop: AbortSignal): Promise<void> {
  const { durationS } = simulation.scenario;
  while (!simulation.isDone && !stop.aborted) {
    simulation.run(simulation.timeS + CHUNK_S);
    const share = simulation.timeS / durationS;
    const bar = '█'.repeat(Math.round(share * BAR_CELLS)).padEnd(BAR_CELLS, '░');
    progress(`${bar} ${Math.floor(share * 100)} %  ${timeText(simulation.timeS)} of ${timeText(durationS)}`);
    await setImmediate();
  }
}

function printJson(
  { scenario }: ReadScenario,
  simulation: Simulation,
  summaries: readonly OperationSummary[],
  { print }: StandaloneIo,
): void {
  const { verdicts, late, failoverJumps } = simulation.notes();
  const notes = { verdicts, late, failover_jumps: failoverJumps };
  const { name, seed, durationS: duration } = scenario;
  print(JSON.stringify({ name, seed, duration, operations: summaries.map(summaryJson), ...notes }, null, 2));
}

interface Outcome {
  readonly simulation: Simulation;
  readonly series: readonly OperationSeries[];
  readonly summaries: readonly OperationSummary[];
  readonly plots: number;
}

function printTable(
  { simulation, series, summaries, plots }: Outcome,
  given: GivenArguments,
  { print }: StandaloneIo,
): void {
  const { name, seed, durationS } = simulation.scenario;
  print(`${name}: ${timeText(durationS)}, seed ${seed}\n`);
  for (const line of summaryTable(summaries, countOf(given, 'rows') ?? ROWS)) print(line);
  const { verdicts, late, failoverJumps } = simulation.notes();
  for (const { timeS, service, conformance, roots } of verdicts) {
    if (conformance === 'follows' || conformance === 'unknown') continue;
    print(`${service} ${conformance.replaceAll('_', ' ')} (seen after ${timeText(timeS)}, ${roots} roots)`);
  }
  for (const jump of failoverJumps)
    print(`failover: no probability changed by more than ${jump.toFixed(2)}x`);
  if (late > 0) print(`${late} sampled roots came after their window had been read`);
  const busiest = summaries.map((_, i) => i).sort((a, b) => rateOf(summaries, b) - rateOf(summaries, a));
  for (const i of busiest.slice(0, plots)) {
    for (const line of plotsOf(series[i] as OperationSeries, summaries[i] as OperationSummary)) print(line);
  }
}

function rateOf(summaries: readonly OperationSummary[], i: number): number {
  return summaries[i]?.rate ?? 0;
}

const PLOT = { width: 70, height: 4 };

function plotsOf(series: OperationSeries, { service, operation, target }: OperationSummary): string[] {
  const line = target > 0 ? { line: target } : {};
  return [
    '',
    `${service} / ${operation}`,
    'requests/s',
    ...braillePlot(series.rate, PLOT),
    'probability served (logarithmic)',
    ...braillePlot(series.probability, { ...PLOT, logarithmic: true }),
    `sampled/s${target > 0 ? ' (dotted: the target)' : ''}`,
    ...braillePlot(series.sampled, { ...PLOT, ...line }),
  ];
}

/** Lines that are written to the file at once. */
const LINES = 5000;

/** In the order of time, so that the file can be read from the front. */
function writeSeries(path: string, series: readonly OperationSeries[], { progress }: StandaloneIo): void {
  write(path, () => {
    const file = openSync(path, 'w');
    try {
      let lines: string[] = [];
      const slices = series[0]?.rate.length ?? 0;
      for (let slice = 0; slice < slices; slice++) {
        for (const one of series) lines.push(`${JSON.stringify(pointAt(one, slice))}\n`);
        if (lines.length < LINES && slice < slices - 1) continue;
        progress(`writing ${path}: ${Math.floor(((slice + 1) / slices) * 100)} %`);
        writeSync(file, lines.join(''));
        lines = [];
      }
    } finally {
      closeSync(file);
    }
  });
}

function write(path: string, writer: () => void): void {
  try {
    writer();
  } catch (error) {
    throw new SpanweirError('UNAVAILABLE', `${path} can't be written: ${toError(error).message}`);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SpanweirError('CONFIG', `${path} can't be read: ${toError(error).message}`);
  }
}
