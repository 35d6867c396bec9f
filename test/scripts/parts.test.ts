import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { once, withLock } from '../../scripts/parts/cache.mjs';
import { run } from '../../scripts/parts/child.mjs';
import { freePorts, isFree } from '../../scripts/parts/ports.mjs';
import { tempDirOfTest } from '../support/temp-dir.ts';

const cacheModule = new URL('../../scripts/parts/cache.mjs', import.meta.url).href;

describe('the cache of fetched parts', () => {
  test('builds a part once for processes that want it at the same time', async () => {
    const dir = tempDirOfTest();
    const program = `
      import { appendFileSync, writeFileSync } from 'node:fs';
      import { once } from ${JSON.stringify(cacheModule)};
      await once(${JSON.stringify(join(dir, 'part'))}, async (folder) => {
        appendFileSync(${JSON.stringify(join(dir, 'builds'))}, 'x');
        await new Promise((resolve) => setTimeout(resolve, 300));
        writeFileSync(folder + '/made', 'whole');
        return folder + '/made';
      });`;
    const args = ['--input-type=module', '-e', program];
    await Promise.all([1, 2, 3].map(() => run(process.execPath, args)));
    expect(readFileSync(join(dir, 'part'), 'utf8')).toBe('whole');
    expect(readFileSync(join(dir, 'builds'), 'utf8')).toBe('x');
    expect(readdirSync(dir).sort()).toEqual(['builds', 'part']);
  });

  test('leaves nothing behind when a build fails, and tries again', async () => {
    const dir = tempDirOfTest();
    const target = join(dir, 'part');
    await expect(once(target, () => Promise.reject(new Error('no network')))).rejects.toThrow('no network');
    expect(readdirSync(dir)).toEqual([]);
    await once(target, async (folder) => folder);
    expect(readdirSync(dir)).toEqual(['part']);
  });

  test('takes over the lock of a process that is gone', async () => {
    const lock = join(tempDirOfTest(), 'lock');
    const gone = await run(process.execPath, ['-e', 'console.log(process.pid)']);
    mkdirSync(lock);
    writeFileSync(join(lock, 'pid'), gone.trim());
    expect(await withLock(lock, async () => 'done')).toBe('done');
  });
});

describe('free ports', () => {
  test('differ from each other and lie below those of outgoing connections', async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    expect(ports.every((port) => port >= 15_000 && port < 32_000)).toBe(true);
  });

  test('are not those of another worker of the same run', async () => {
    const portsModule = new URL('../../scripts/parts/ports.mjs', import.meta.url).href;
    const program = `
      const { freePorts } = await import(${JSON.stringify(portsModule)});
      console.log(JSON.stringify(await freePorts(300)));`;
    const portsOf = async (worker: string): Promise<number[]> => {
      const env = { ...process.env, VITEST_POOL_ID: worker };
      const args = ['--input-type=module', '-e', program];
      return JSON.parse(await run(process.execPath, args, { env })) as number[];
    };
    const [one, two] = await Promise.all([portsOf('1'), portsOf('2')]);
    expect(new Set(one.concat(two)).size).toBe(600);
  });

  test('are not those on which somebody listens', async () => {
    const server = createServer();
    const [port = 0] = await freePorts(1);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    expect(await isFree(port)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(await isFree(port)).toBe(true);
  });
});

test('a command that fails is named with its last words', async () => {
  await expect(run('sh', ['-c', 'echo out; echo why >&2; exit 4'])).rejects.toThrow(
    /^sh -c .*ended with 4\n(out\nwhy|why\nout)$/,
  );
});
