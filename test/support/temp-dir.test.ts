import { existsSync } from 'node:fs';
import { describe, test } from 'vitest';
import { tempDirOfTest } from './temp-dir.ts';

describe.concurrent('of two tests that run at a time', () => {
  let begun = (): void => {};
  const otherBegan = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let finished = (): void => {};
  const otherFinished = new Promise<void>((resolve) => {
    finished = resolve;
  });

  test('one that goes on keeps its folder', async ({ expect, onTestFinished }) => {
    await otherBegan;
    const dir = tempDirOfTest(onTestFinished);
    await otherFinished;
    expect(existsSync(dir)).toBe(true);
  });

  test('one that ends loses its folder', ({ expect, onTestFinished }) => {
    // Called in the opposite order: the newest comes first.
    onTestFinished(finished);
    const dir = tempDirOfTest(onTestFinished);
    onTestFinished(() => expect(existsSync(dir)).toBe(true));
    begun();
  });
});
