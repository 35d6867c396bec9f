import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new folder in the system's temporary folder. Whoever makes it removes it. */
export function makeTempDir(prefix = 'spanweir-'): string {
  return mkdtempSync(join(tmpdir(), prefix));
}

/** How a test is told what to do when it has finished. */
export type OnFinished = typeof onTestFinished;

/**
 * A new folder that is removed when the running test has finished. Only inside a test; where several run at a time,
 * with the `onTestFinished` of the test's own context: the one that is imported means whichever began last.
 */
export function tempDirOfTest(onFinished: OnFinished = onTestFinished): string {
  const dir = makeTempDir();
  onFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
