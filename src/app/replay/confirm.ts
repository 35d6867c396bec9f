import { createInterface } from 'node:readline/promises';
import type { CommandIo } from '../commands/command.ts';

/** Asks at a terminal; elsewhere --yes is needed, and it is said so. */
export async function confirmed(
  question: string,
  { yes }: { readonly yes: boolean },
  { complain }: Pick<CommandIo, 'complain'>,
): Promise<boolean> {
  if (yes) return true;
  if (process.stdin.isTTY !== true) {
    complain(`${question} Nothing was done: give --yes where nobody can be asked.`);
    return false;
  }
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await asking.question(`${question} [y/N] `)).trim());
  } finally {
    asking.close();
  }
}
