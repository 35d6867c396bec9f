import type { Scope } from './log-state.ts';
import { type LookDeps, lookOnce } from './look.ts';
import { type Finding, keyOf, type Open, type Report } from './report.ts';

const MOST_LOOKS = 5;
const PAUSE_MS = 2_000;

export interface SettledOptions {
  /** Nothing is being written, so what is open is a problem. */
  readonly idle: boolean;
}

/**
 * Looks until what is wrong stays the same: a running system may show anything between two queries, but what two
 * looks in succession find with the same figures is there. What is on its way is waited for.
 */
export async function lookUntilSettled(
  deps: LookDeps,
  scope: Scope,
  { idle }: SettledOptions,
): Promise<Report> {
  const { clock, progress } = deps;
  const begun = clock.monotonicMs();
  const first = await lookOnce(deps, scope);
  let last = first;
  let known = new Set<string>();
  for (let looks = 1; looks < MOST_LOOKS && isUnsettled(last, known, idle); looks++) {
    known = new Set(last.findings.map(keyOf));
    progress(`${last.findings.length} differences, ${last.open.length} open: looking again`);
    await clock.sleep(PAUSE_MS);
    last = await lookOnce(deps, scope, daysOf(last));
  }
  const standing = last.findings.filter((finding) => known.has(keyOf(finding)));
  const moving = last.findings.filter((finding) => !known.has(keyOf(finding))).map(asMoving);
  const open = [...last.open, ...moving];
  return {
    ...first,
    findings: idle ? [...standing, ...open.map(asProblem)] : standing,
    open: idle ? [] : open,
    seconds: (clock.monotonicMs() - begun) / 1000,
  };
}

/** Whether another look may say more. Where nothing is being written, nothing open will close. */
function isUnsettled({ findings, open }: Report, known: ReadonlySet<string>, idle: boolean): boolean {
  return (open.length > 0 && !idle) || findings.some((finding) => !known.has(keyOf(finding)));
}

/** Ranges and traces are looked at as a whole, so what has no day needs none here. */
function daysOf({ findings, open }: Report): ReadonlySet<string> {
  const days = [...findings, ...open].map(({ day }) => day).filter((day) => day !== undefined);
  return new Set(days);
}

function asMoving(finding: Finding): Open {
  return { ...finding, text: `${finding.text}; another difference at each look, so it is being written` };
}

function asProblem(open: Open): Finding {
  return { ...open, kind: 'unlogged' };
}
