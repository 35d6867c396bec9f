import { isExact, printVerdicts } from './chaos/checker.ts';
import { Dice } from './chaos/dice.ts';
import { FAULTS, type Fault, type FaultSizes, NAMES } from './chaos/faults.ts';
import { openParts, pause, World } from './chaos/world.ts';

const SIZES: Readonly<
  Record<'tiny' | 'full', FaultSizes & { readonly faults: readonly string[] | undefined }>
> = {
  tiny: {
    sleepMs: 10_000,
    joins: 2,
    swaps: 2,
    troubleMs: 5000,
    faults: ['killed at inserted', 'answers lost', 'poison', 'broker killed', 'ClickHouse killed'],
  },
  full: { sleepMs: 60_000, joins: 100, swaps: 20, troubleMs: 20_000, faults: undefined },
};

/** Every fault once, in an order that the seed gives, under load: every span is in every table once. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const sizes = SIZES[size];
  const seed = Number(process.env.CHAOS_SEED ?? 1);
  const dice = new Dice(seed);
  const only = process.env.CHAOS_ONLY?.split(',') ?? sizes.faults;
  const faults = shuffled(
    FAULTS.filter(({ name }) => only === undefined || only.includes(name)),
    dice,
  );
  const parts = await openParts();
  try {
    const world = await World.open(parts, {
      name: 'faults',
      seed,
      partitions: 8,
      spansPerSecond: 2500,
      workers: 2,
    });
    try {
      await world.begin(NAMES);
      const failed: string[] = [];
      for (const { name, strike } of faults) {
        const said = await strike(world, dice, sizes).catch((error: Error) => {
          failed.push(name);
          return `FAILED: ${error.message}`;
        });
        console.log(`  ${name}: ${said}`);
        await world.stable(20_000, 500);
        await pause(dice.between(500, 2000));
      }
      const { settled, seconds } = await world.settle(300_000);
      console.log(
        `seed ${seed}: ${faults.length} kinds of faults over ${world.ledger.spans} spans; ` +
          `${settled ? 'everything consumed' : 'NOT everything consumed'} ${seconds.toFixed(1)} s after the end; ` +
          `RSS at most ${world.rssMiB} MiB`,
      );
      const verdicts = await world.tables();
      printVerdicts(verdicts);
      const verified = await world.verify();
      console.log(`  spanweir verify: ${verified.said.trim()}`);
      return isExact(verdicts) && verified.isRight && settled && failed.length === 0;
    } finally {
      await world.end();
    }
  } finally {
    await parts.end();
  }
}

function shuffled(faults: readonly Fault[], dice: Dice): Fault[] {
  const left = [...faults];
  return faults.map(() => left.splice(dice.index(left.length), 1)[0] as Fault);
}
