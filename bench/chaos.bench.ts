import { killAtRandom } from './chaos/campaign.ts';
import { openParts, World } from './chaos/world.ts';

const SIZES = {
  tiny: { kills: 10, processes: ['a', 'b'], minSpans: 0, spansPerSecond: 3000, midBlock: 1 },
  full: { kills: 200, processes: ['a', 'b', 'c'], minSpans: 5_000_000, spansPerSecond: 4000, midBlock: 150 },
} as const;

/** Kill -9 at random under load: every span is in every table once. CHAOS_SEED makes another schedule. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const options = SIZES[size];
  const seed = Number(process.env.CHAOS_SEED ?? 1);
  const parts = await openParts();
  try {
    const world = await World.open(parts, {
      name: 'chaos',
      seed,
      partitions: 12,
      spansPerSecond: options.spansPerSecond,
      workers: 2,
    });
    try {
      await world.begin(options.processes);
      const startedMs = performance.now();
      const outcome = await killAtRandom(world, { seed, ...options });
      const { settled, seconds } = await world.settle();
      const minutes = (performance.now() - startedMs) / 60_000;
      console.log(
        `seed ${seed}: ${outcome.kills} kill -9 in ${minutes.toFixed(1)} min over ${world.ledger.spans} spans, ` +
          `${outcome.midBlock} of them with a block between its plan and its end`,
      );
      for (const [phase, kills] of outcome.byPhase) console.log(`  ${phase}: ${kills}`);
      console.log(
        settled
          ? `everything consumed ${seconds.toFixed(1)} s after the end; RSS at most ${world.rssMiB} MiB`
          : `NOT everything was consumed within ${seconds.toFixed(0)} s`,
      );
      const isExact = await world.check();
      return isExact && settled && outcome.kills >= options.kills && outcome.midBlock >= options.midBlock;
    } finally {
      await world.end();
    }
  } finally {
    await parts.end();
  }
}
