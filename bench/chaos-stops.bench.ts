import { Dice } from './chaos/dice.ts';
import { openParts, pause, World } from './chaos/world.ts';

const STOP_LIMIT_MS = 10_000;

/** SIGTERM under load, again and again: nothing is lost or double, and no stop takes long. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const stops = size === 'full' ? 100 : 5;
  const seed = Number(process.env.CHAOS_SEED ?? 1);
  const dice = new Dice(seed);
  const parts = await openParts();
  try {
    const world = await World.open(parts, {
      name: 'stops',
      seed,
      partitions: 8,
      spansPerSecond: 4000,
      workers: 2,
    });
    try {
      await world.begin(['a', 'b']);
      let longestMs = 0;
      const codes = new Map<number | null, number>();
      for (let i = 0; i < stops; i++) {
        const name = i % 2 === 0 ? 'a' : 'b';
        await pause(dice.between(0, 2000));
        const { ms, code } = await world.fleet.stop(name);
        longestMs = Math.max(longestMs, ms);
        codes.set(code, (codes.get(code) ?? 0) + 1);
        await world.fleet.start(name);
        await world.fleet.ready(name);
        if ((i + 1) % 10 === 0)
          console.log(`  ${i + 1} of ${stops}, the longest ${(longestMs / 1000).toFixed(2)} s`);
      }
      const { settled } = await world.settle();
      const exits = Array.from(codes, ([code, count]) => `${count} with ${code}`).join(', ');
      console.log(
        `seed ${seed}: ${stops} times SIGTERM over ${world.ledger.spans} spans; the longest stop took ` +
          `${(longestMs / 1000).toFixed(2)} s; ended ${exits}; ${settled ? 'everything' : 'NOT everything'} consumed`,
      );
      const isRight = await world.check();
      return isRight && settled && longestMs <= STOP_LIMIT_MS && codes.get(0) === stops;
    } finally {
      await world.end();
    }
  } finally {
    await parts.end();
  }
}
