import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

const integration = ['test/integration/**/*.test.ts'];
/** Measures, and keeps both cores busy by itself. */
const alone = ['test/integration/app/bench-tiny.test.ts'];

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: integration,
          testTimeout: 20_000,
          // vitest's own choice leaves one core alone.
          maxWorkers: Math.max(2, availableParallelism()),
        },
      },
      {
        test: {
          name: 'integration',
          include: integration,
          exclude: alone,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // Much of their time is waiting, for sessions that time out and processes that start.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          globalSetup: ['test/support/parts.ts'],
        },
      },
      {
        test: {
          name: 'integration-alone',
          include: alone,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          // A good part of their time is waiting.
          maxConcurrency: 4,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
