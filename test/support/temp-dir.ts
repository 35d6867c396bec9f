import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new folder in the system's temporary folder. Whoever makes it removes it. */
export function makeTempDir(prefix = 'spanweir-'): string {
  return mkdtempSync(join(tmpdir(), prefix));
}

/** A new folder that is removed when the running test has finished. Only inside a test. */
export function tempDirOfTest(): string {
  const dir = makeTempDir();
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
