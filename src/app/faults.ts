import { arm, type LaneFault } from '../base/failpoints.ts';

/** For the chaos harness: see base/failpoints.ts. `life` counts the ingest threads that were ever started. */
export function armFaults(life = 0): void {
  const what = process.env.SPANWEIR_TEST_FAULT;
  if (what !== undefined && what !== '') arm(what, strike, life);
}

function strike(how: 'kill' | LaneFault): void {
  if (how === 'kill') process.kill(process.pid, 'SIGKILL');
  else LANE_STRIKES[how]();
}

const LANE_STRIKES: Readonly<Record<LaneFault, () => void>> = {
  lane_throw: () => {
    // In a turn of its own: nobody may catch it.
    setImmediate(() => {
      throw new Error('a fault that a test asked for');
    });
  },
  lane_hang: () => {
    for (;;);
  },
  lane_oom: () => {
    // Small pieces: one large one would take the process with it.
    for (let last: object = {}; ; ) last = { last, filler: [1, 2, 3, 4] };
  },
};
