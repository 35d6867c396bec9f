import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { BearerTokenAuth } from '../../../src/extensions/bearertokenauth/bearer-token-auth.ts';
import { bearerTokenAuthExtension } from '../../../src/extensions/bearertokenauth/component.ts';
import { bearerTokenAuthConfig } from '../../../src/extensions/bearertokenauth/config.ts';
import type { MainContext } from '../../../src/flow/host.ts';
import { FakeClock } from '../../flow/fake-clock.ts';
import { recording } from '../remote-sampling/recording.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function folderOf(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'spanweir-token-'));
  folders.push(folder);
  return folder;
}

function created(config: object) {
  const clock = new FakeClock();
  const seen = recording({ clock, id: 'bearertokenauth' });
  const parsed = bearerTokenAuthConfig.parse(config);
  const auth = bearerTokenAuthExtension.createMain?.(parsed, seen.context as MainContext) as BearerTokenAuth;
  return { auth, clock, seen, admits: (value?: string) => auth.serverAuthenticator.admits(value) };
}

test('the token lets in, with its scheme written as one likes', () => {
  const { auth, admits } = created({ token: 's3cret' });
  expect(admits('Bearer s3cret')).toBe(true);
  expect(admits('bearer s3cret')).toBe(true);
  for (const wrong of ['Bearer S3cret', 's3cret', 'Bearer', 'Bearer ', '', undefined]) {
    expect(admits(wrong)).toBe(false);
  }
  expect(auth.serverAuthenticator.challenge).toBe('Bearer realm="spanweir"');
});

test('each of several tokens lets in, and the first is brought to others', () => {
  const { auth, admits } = created({ tokens: ['one', 'two'], scheme: 'Token', header: 'X-Key' });
  expect([admits('Token one'), admits('Token two'), admits('Bearer one')]).toEqual([true, true, false]);
  expect(auth.clientAuthenticator.value()).toBe('Token one');
  expect(auth.clientAuthenticator.header).toBe('x-key');
});

test('without a scheme the token is the whole value', () => {
  const { admits } = created({ token: 'abc', scheme: '' });
  expect([admits('abc'), admits('Bearer abc')]).toEqual([true, false]);
});

test('a file has a token a line, is read again, and blank lines let nobody in', async () => {
  const path = join(await folderOf(), 'token');
  await writeFile(path, 'one\n\n two \n');
  const { auth, clock, admits } = created({ filename: path, token: 'ignored' });
  await auth.start();
  expect(['Bearer one', 'Bearer two', 'Bearer ', 'Bearer ignored'].map(admits)).toEqual([
    true,
    true,
    false,
    false,
  ]);
  await writeFile(path, 'three\n');
  await clock.advance(5000);
  await expect.poll(() => admits('Bearer three')).toBe(true);
  expect(admits('Bearer one')).toBe(false);
  await auth.stop();
});

test('a file that turns empty leaves the last tokens in force', async () => {
  const path = join(await folderOf(), 'token');
  await writeFile(path, 'one');
  const { auth, clock, seen, admits } = created({ filename: path });
  await auth.start();
  await writeFile(path, '\n');
  await clock.advance(5000);
  await expect.poll(() => seen.health.status).toBe('recoverable');
  expect(admits('Bearer one')).toBe(true);
  await auth.stop();
});

test('a file that is not there yet is waited for where that is asked for', async () => {
  const path = join(await folderOf(), 'token');
  const { auth, clock, admits } = created({
    filename: path,
    file_retry: { enabled: true, retry_interval: '2s' },
  });
  const start = auth.start();
  await clock.advance(1000);
  await writeFile(path, 'late');
  await clock.advance(2000);
  await start;
  expect(admits('Bearer late')).toBe(true);
  await auth.stop();
});

test('otherwise it is named', async () => {
  const { auth } = created({ filename: '/nowhere/token' });
  await expect(auth.start()).rejects.toThrow(
    "extensions.bearertokenauth.filename: can't read /nowhere/token",
  );
});

test('without any token the configuration is refused', () => {
  expect(bearerTokenAuthConfig.safeParse({}).error?.issues[0]?.message).toBe('no bearer token provided');
});
