import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** Integration tests that take a minute or more, the longest first. */
const LONG: readonly string[] = [
  'sampling/ha/stopped-controller.test.ts',
  'kafka/trouble.test.ts',
  'app/chaos.test.ts',
  'app/faults.test.ts',
  'app/verify.test.ts',
  'app/lanes.test.ts',
  'kafka/poison.test.ts',
  'sampling/clients/clients.test.ts',
];

/** Begins with what takes longest, so that at the end of a run no worker waits for the other. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rankOf(a.moduleId) - rankOf(b.moduleId));
  }
}

function rankOf(file: string): number {
  const rank = LONG.findIndex((name) => file.endsWith(`/integration/${name}`));
  return rank === -1 ? LONG.length : rank;
}
