import type { Verdict } from './draws.ts';
import type { Registered } from './registered.ts';
import { SDKS, type Sdk } from './sdks.ts';
import type { Row } from './trial.ts';

const LABELS = { go: 'Go', java: 'Java', js: 'JavaScript', rust: 'Rust' } as const;
const WIDTH = 22;

export function heading(nameWidth: number): string {
  const cells = SDKS.map((sdk) => LABELS[sdk].padEnd(WIDTH));
  return ['case'.padEnd(nameWidth), ...cells].join('  ').trimEnd();
}

/** `ok 2.1 sigma of 251`: the worst of so many draws; with `*` where one was drawn anew. */
export function line({ name, verdicts }: Row, nameWidth: number): string {
  const cells = SDKS.map((sdk) => cell(verdicts[sdk]).padEnd(WIDTH));
  return [name.padEnd(nameWidth), ...cells].join('  ').trimEnd();
}

/** A line of the table of what Jaeger's own answers come to. */
export function takenLine(name: string, taken: Readonly<Record<Sdk, boolean>>, nameWidth: number): string {
  const cells = SDKS.map((sdk) => (taken[sdk] ? 'taken' : 'NOT TAKEN').padEnd(WIDTH));
  return [name.padEnd(nameWidth), ...cells].join('  ').trimEnd();
}

/** What the engine takes each for. */
export function clientLine(
  name: string,
  clients: Readonly<Record<Sdk, Registered | undefined>>,
  nameWidth: number,
): string {
  const cells = SDKS.map((sdk) => {
    const { client = '?', transport = '?', intervalMs = Number.NaN } = clients[sdk] ?? {};
    return `${client}, ${transport}, ${(intervalMs / 1000).toFixed(1)} s`.padEnd(WIDTH);
  });
  return [name.padEnd(nameWidth), ...cells].join('  ').trimEnd();
}

export function isRight({ verdicts }: Row): boolean {
  return SDKS.every((sdk) => verdicts[sdk].wrong.length === 0);
}

/** What is wrong, a line each. */
export function complaints({ name, verdicts }: Row): string[] {
  return SDKS.flatMap((sdk) => verdicts[sdk].wrong.map((each) => `${name}, ${LABELS[sdk]}: ${each}`));
}

function cell({ draws, worstSigmas, redrawn, wrong }: Verdict): string {
  const off = Number.isFinite(worstSigmas) ? worstSigmas.toFixed(1) : 'far';
  return `${wrong.length === 0 ? 'ok' : 'WRONG'} ${off} sigma of ${draws}${redrawn > 0 ? '*' : ''}`;
}
