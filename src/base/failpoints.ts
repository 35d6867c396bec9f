/**
 * Places where a test can make the process die, and rules that a test can have broken, so that it can be shown
 * that dying there loses nothing and that breaking a rule is noticed. Nothing of this is reachable from a
 * configuration: the entry of a thread arms it from an environment variable that only the harness sets.
 */
export const FAILPOINTS = [
  /** The commit that carries a plan has been sent and not been answered. */
  'plan_commit_sent',
  /** A plan is known to the broker, and nothing of its block has been inserted. */
  'plan_committed',
  /** One table has a block and another does not yet. */
  'between_tables',
  /** All tables have a block, and its commit (or the answer to its requests) has not been sent. */
  'inserted',
  /** The commit that ends a block has been sent and not been answered. */
  'end_commit_sent',
] as const;

/** Rules of the effect-once protocol, each named by how it is broken. */
export const SEEDED_BUGS = [
  'commit_before_insert',
  'insert_before_plan',
  'token_without_range',
  'plan_revision_ignored',
  'token_of_each_process',
  'plan_ignored_on_takeover',
  'plan_cut_short_on_takeover',
  'commit_under_newer_generation',
  'token_of_each_try',
  'write_after_session_timeout',
  'no_check_after_lost_connection',
  'committed_offset_one_ahead',
  'seal_by_clock_while_reforming',
  'log_row_before_data',
  'window_missing_on_view_target',
] as const;

/** What may happen to an ingest thread at a failpoint, instead of the death of the whole process. */
export const LANE_FAULTS = ['lane_throw', 'lane_hang', 'lane_oom'] as const;

export type Failpoint = (typeof FAILPOINTS)[number];
export type LaneFault = (typeof LANE_FAULTS)[number];
export type SeededBug = (typeof SEEDED_BUGS)[number];

interface Armed {
  readonly name: Failpoint;
  /** How many times it is passed before it strikes. */
  left: number;
  readonly strike: () => void;
}

let armed: Armed | undefined;
let bug: SeededBug | undefined;

/**
 * `what` is `failpoint:NAME:N` (strikes when passed for the Nth time), `fault:LANE_FAULT:NAME:N:LIVES` (does that to
 * the ingest thread, in its first LIVES lives) or `bug:NAME`. Throws for what it does not know.
 */
export function arm(what: string, strike: (how: 'kill' | LaneFault) => void, life = 0): void {
  const [kind, first = '', ...rest] = what.split(':');
  const how = LANE_FAULTS.find((known) => known === first);
  const [name = '', count = '1', lives = '1'] = kind === 'fault' ? rest : [first, ...rest];
  const failpoint = FAILPOINTS.find((known) => known === name);
  const seeded = SEEDED_BUGS.find((known) => known === name);
  if (kind === 'failpoint' && failpoint !== undefined)
    armed = { name: failpoint, left: Number(count), strike: () => strike('kill') };
  else if (kind === 'fault' && how !== undefined && failpoint !== undefined) {
    if (life < Number(lives)) armed = { name: failpoint, left: Number(count), strike: () => strike(how) };
  } else if (kind === 'bug' && seeded !== undefined) bug = seeded;
  else throw new Error(`no such fault: ${what}`);
}

export function disarm(): void {
  armed = undefined;
  bug = undefined;
}

/** To be called where a process may die. */
export function pass(name: Failpoint): void {
  if (armed === undefined || armed.name !== name) return;
  armed.left -= 1;
  if (armed.left === 0) armed.strike();
}

/** Like `pass`, once what was sent in this turn has left the process. */
export function passSoon(name: Failpoint): void {
  if (armed?.name === name) setImmediate(() => pass(name));
}

/** True only under a test that shows that breaking this rule is noticed. */
export function isBroken(name: SeededBug): boolean {
  return bug === name;
}
