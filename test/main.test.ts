import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('a reader that goes away early, such as head, ends a command without an error', () => {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const command = `"${process.execPath}" --import tsx "${main}" components; echo "exit code $?" >&2`;
  const { stderr } = spawnSync('sh', ['-c', `{ ${command}; } | true`], { encoding: 'utf8' });
  expect(stderr).toBe('exit code 0\n');
});
