import { Dice } from './dice.ts';
import { PHASES, type Phase, phaseOf } from './phases.ts';
import { pause, type World } from './world.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly kills: number;
  readonly processes: readonly string[];
  /** So many of them at least with a block between its plan and its end: the others prove little. */
  readonly midBlock: number;
  /** Ends the campaign not before so many spans were produced. */
  readonly minSpans: number;
}

export interface CampaignOutcome {
  readonly kills: number;
  readonly byPhase: ReadonlyMap<Phase, number>;
  /** Kills with a block between its plan's commit and its end's. */
  readonly midBlock: number;
}

/** Kill -9 of one process or two at random instants, each started again at once, until there were enough. */
export async function killAtRandom(world: World, options: CampaignOptions): Promise<CampaignOutcome> {
  const dice = new Dice(options.seed);
  const byPhase = new Map<Phase, number>(PHASES.map((phase) => [phase, 0]));
  let kills = 0;
  const midBlock = (): number => kills - (byPhase.get('nothing planned') ?? 0);
  const isEnough = (): boolean => kills >= options.kills && midBlock() >= options.midBlock;
  const startedMs = performance.now();
  while (!isEnough() || world.ledger.spans < options.minSpans) {
    // Mostly a while after the partitions were given out, else whenever it comes.
    if (dice.roll() < 0.85) {
      await world.stable(20_000);
      await pause(dice.between(300, 4000));
    } else await pause(dice.between(0, 9000));
    const both = dice.roll() < 0.35;
    const victims = both ? twoOf(dice, options.processes) : [dice.pick(options.processes)];
    const gapMs = dice.between(0, 400);
    if (isEnough()) {
      await pause(1000);
      continue;
    }
    for (const victim of victims) {
      if (victim !== victims[0]) await pause(gapMs);
      const phase = await killOne(world, victim);
      if (phase === undefined) continue;
      kills++;
      byPhase.set(phase, (byPhase.get(phase) ?? 0) + 1);
    }
    if (kills % 20 < victims.length) progress(world, kills, options, startedMs);
  }
  return { kills, byPhase, midBlock: midBlock() };
}

/** Undefined when it was not running. */
async function killOne(world: World, victim: string): Promise<Phase | undefined> {
  const owned = world.watch.ownedBy(victim);
  if (!(await world.fleet.kill(victim))) {
    await world.fleet.start(victim);
    return undefined;
  }
  // The broker gives its partitions away when the session is over, so this is what it left behind.
  const positions = await world.watch.positions().catch(() => []);
  await world.fleet.start(victim);
  const left = positions.filter(({ partition }) => owned.includes(partition));
  return await phaseOf(world.database, left);
}

function twoOf(dice: Dice, names: readonly string[]): string[] {
  const first = dice.pick(names);
  return [first, dice.pick(names.filter((name) => name !== first))];
}

function progress(world: World, kills: number, { kills: of }: CampaignOptions, startedMs: number): void {
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  console.log(`  ${seconds} s: ${kills} of ${of} kills, ${world.ledger.spans} spans produced`);
}
