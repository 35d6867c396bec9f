import type { Scope } from './log-state.ts';
import { type LookDeps, lookOnce } from './look.ts';
import { type Finding, keyOf, type Open, placeOf, type Report } from './report.ts';

const MOST_LOOKS = 4;
const PAUSE_MS = 2_000;

export interface SettledOptions {
  /** Nothing is being written, so one look is enough, and what is open is a problem. */
  readonly idle: boolean;
}

/**
 * Looks until what is wrong stays the same: a running system may show anything between two queries, but what two
 * looks in succession find with the same figures is there. Blocks that are on their way at one look and not at the
 * next are nothing to tell.
 */
export async function lookUntilSettled(
  deps: LookDeps,
  scope: Scope,
  { idle }: SettledOptions,
): Promise<Report> {
  const { clock, progress } = deps;
  const begun = clock.monotonicMs();
  const first = await lookOnce(idle ? { ...deps, patienceMs: 0 } : deps, scope);
  if (idle) return { ...first, findings: [...first.findings, ...first.open.map(asProblem)], open: [] };
  let before: Report = { ...first, findings: [], open: [] };
  let last = first;
  for (let looks = 1; looks < MOST_LOOKS && isNews(last, before, looks); looks++) {
    progress(`${last.findings.length} differences, ${last.open.length} open: looking again`);
    await clock.sleep(PAUSE_MS);
    before = last;
    last = await lookOnce(deps, scope, daysOf(last));
  }
  const known = new Set(before.findings.map(keyOf));
  const waiting = new Set(before.open.map(whereOf));
  return {
    ...first,
    findings: last.findings.filter((finding) => known.has(keyOf(finding))),
    open: [
      ...last.open.filter((open) => waiting.has(whereOf(open))),
      ...last.findings.filter((finding) => !known.has(keyOf(finding))).map(asMoving),
    ],
    seconds: (clock.monotonicMs() - begun) / 1000,
  };
}

/** Whether another look may say more. */
function isNews({ findings, open }: Report, before: Report, looks: number): boolean {
  const known = new Set(before.findings.map(keyOf));
  return (looks === 1 && open.length > 0) || findings.some((finding) => !known.has(keyOf(finding)));
}

/** Ranges and traces are looked at as a whole, so what has no day needs none here. */
function daysOf({ findings, open }: Report): ReadonlySet<string> {
  const days = [...findings, ...open].map(({ day }) => day).filter((day) => day !== undefined);
  return new Set(days);
}

function whereOf(open: Open): string {
  return `${open.table} ${placeOf(open)}`;
}

function asMoving(finding: Finding): Open {
  return { ...finding, text: `${finding.text}; another difference at each look, so it is being written` };
}

function asProblem(open: Open): Finding {
  return { ...open, kind: 'unlogged' };
}
