import { SEEDED_BUGS, type SeededBug } from '../src/base/failpoints.ts';
import { isExact, printVerdicts, type TableVerdict } from './chaos/checker.ts';
import { Dice } from './chaos/dice.ts';
import { QUICK_SESSION, SCENARIOS, type Scenario, type ScenarioName, setWindow } from './chaos/scenarios.ts';
import { openParts, type Parts, World } from './chaos/world.ts';

/** The schedule under which each broken rule must show. */
const EXPOSED_BY: Readonly<Record<SeededBug, ScenarioName>> = {
  commit_before_insert: 'killed_without_clickhouse',
  insert_before_plan: 'killed_mid_block',
  token_without_range: 'small_blocks',
  token_of_each_process: 'killed_mid_block',
  token_of_each_try: 'answers_lost',
  plan_revision_ignored: 'revision_changed',
  plan_ignored_on_takeover: 'killed_mid_block',
  plan_cut_short_on_takeover: 'killed_mid_block',
  commit_under_newer_generation: 'joined_while_writing',
  write_after_session_timeout: 'woken_late',
  no_check_after_lost_connection: 'part_lost_in_crash',
  committed_offset_one_ahead: 'killed_mid_block',
  seal_by_clock_while_reforming: 'slow_reforming',
  log_row_before_data: 'plans_lost',
  window_missing_on_view_target: 'answers_lost',
};

/** One of each kind of damage, and the schedule that none of them is needed for. */
const TINY: readonly SeededBug[] = [
  'commit_before_insert',
  'token_of_each_process',
  'window_missing_on_view_target',
];

/**
 * Is the harness able to see what it looks for? Every rule of the protocol is broken once, under a schedule that
 * should show it; and the same schedules with all rules kept must show nothing. CHAOS_ONLY=name,name runs these
 * bugs, and these schedules without a bug, only.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const only = process.env.CHAOS_ONLY?.split(',');
  const bugs = only ? SEEDED_BUGS.filter((bug) => only.includes(bug)) : size === 'tiny' ? TINY : SEEDED_BUGS;
  const exposing = [...new Set(Object.values(EXPOSED_BY))].filter(
    (name) => only?.includes(name) ?? bugs.some((bug) => EXPOSED_BY[bug] === name),
  );
  const schedules = size === 'tiny' ? exposing.slice(0, 1) : exposing;
  const parts = await openParts();
  const missed: string[] = [];
  const wrong: string[] = [];
  try {
    for (const name of schedules) {
      const found = await play(parts, name, undefined);
      console.log(`no bug, ${SCENARIOS[name].what}: ${found ?? 'nothing lost or double'}`);
      if (found !== undefined) wrong.push(name);
    }
    for (const bug of bugs) {
      const found = await play(parts, EXPOSED_BY[bug], bug);
      console.log(`${bug}: ${found === undefined ? 'NOT CAUGHT' : `caught, ${found}`}`);
      if (found === undefined) missed.push(bug);
    }
  } finally {
    await parts.end();
  }
  console.log(`caught ${bugs.length - missed.length}/${bugs.length} seeded bugs`);
  if (missed.length > 0) console.log(`not caught: ${missed.join(', ')}`);
  if (wrong.length > 0) console.log(`wrong without a seeded bug: ${wrong.join(', ')}`);
  return missed.length === 0 && wrong.length === 0;
}

/** What was found to be wrong; undefined when nothing was. */
async function play(
  parts: Parts,
  name: ScenarioName,
  bug: SeededBug | undefined,
): Promise<string | undefined> {
  const scenario: Scenario = SCENARIOS[name];
  const seed = Number(process.env.CHAOS_SEED ?? 1);
  const world = await World.open(parts, {
    name: `${name}-${bug ?? 'none'}`.replaceAll('_', '-'),
    seed,
    partitions: scenario.partitions ?? 4,
    spansPerSecond: scenario.spansPerSecond ?? 2000,
    workers: 2,
    settings: { ...scenario.settings, receiver: { ...QUICK_SESSION, ...scenario.settings?.receiver } },
  });
  try {
    // This one is not in the program: it is a table that somebody made without its setting.
    if (bug !== undefined && bug !== 'window_missing_on_view_target')
      world.fleet.env = { SPANWEIR_TEST_FAULT: `bug:${bug}` };
    await world.begin(scenario.isShared === true ? ['a', 'b'] : ['a']);
    if (bug === 'window_missing_on_view_target') await setWindow(world, 'span_metrics_1m', 0);
    await scenario.play(world, new Dice(seed));
    return await judge(world, bug === undefined);
  } finally {
    await world.end();
  }
}

async function judge(world: World, mustBeRight: boolean): Promise<string | undefined> {
  const { settled } = await world.settle(mustBeRight ? 90_000 : 30_000);
  const verdicts = await world.tables();
  const found: string[] = settled ? [] : ['not everything was consumed'];
  if (!isExact(verdicts)) found.push(...verdicts.filter((verdict) => !isExact([verdict])).map(inWords));
  if (mustBeRight && !isExact(verdicts)) printVerdicts(verdicts);
  const verified = await world.verify();
  if (!verified.isRight) found.push('verify says so');
  return found.length === 0 ? undefined : found.join('; ');
}

function inWords({ table, lost, double, where }: TableVerdict): string {
  return lost + double > 0 ? `${table}: ${lost} lost, ${double} double` : `${table}: ${where[0]}`;
}
