import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import type { BasicAuth } from '../../../src/extensions/basicauth/basic-auth.ts';
import { basicAuthExtension } from '../../../src/extensions/basicauth/component.ts';
import { basicAuthConfig } from '../../../src/extensions/basicauth/config.ts';
import type { MainContext } from '../../../src/flow/host.ts';
import { FakeClock, settle } from '../../flow/fake-clock.ts';
import { recording } from '../remote-sampling/recording.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'spanweir-htpasswd-'));
  folders.push(folder);
  const path = join(folder, 'htpasswd');
  await writeFile(path, text);
  return path;
}

async function started<C extends Clock = FakeClock>(config: object, clock = new FakeClock() as Clock as C) {
  const seen = recording({ clock, id: 'basicauth' });
  const parsed = basicAuthConfig.parse(config);
  const auth = basicAuthExtension.createMain?.(parsed, seen.context as MainContext) as BasicAuth;
  await auth.start();
  return { auth, clock, seen };
}

const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;

const admits = async (auth: BasicAuth, value: string | undefined): Promise<boolean | undefined> =>
  auth.serverAuthenticator?.admits(value);

const HASHES: readonly (readonly [string, string])[] = [
  ['plain text', 'correct horse'],
  ['SHA', '{SHA}L55TUjtiq8FBorTWAZ0jy6g129A='],
  ['salted SHA', '{SSHA}awc/Cj0kafyFd5d8fGn07xoHBJJzYWx0c2FsdA=='],
  ['the MD5 of Apache', '$apr1$saltsalt$EGVZDNN6gOqijy.tv9axG/'],
  ['the SHA-256 of crypt', '$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/'],
  ['bcrypt', '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e'],
];

describe.each(HASHES)('a password hashed as %s', (_name, hash) => {
  test('lets in who has it, the first time and the next, and nobody else', async () => {
    // What was refused makes the next wait for as long as it took: time has to pass.
    const { auth } = await started({ htpasswd: { inline: `ann:${hash}` } }, systemClock);
    expect(await admits(auth, basic('ann:correct horse'))).toBe(true);
    expect(auth.serverAuthenticator?.admits(basic('ann:correct horse'))).toBe(true);
    expect(await admits(auth, basic('ann:battery staple'))).toBe(false);
    expect(await admits(auth, basic('bob:correct horse'))).toBe(false);
  });
});

test.each([undefined, '', 'Basic', 'Basic !!!', 'Bearer abc', basic('ann')])(
  '%j is no login',
  async (value) => {
    const { auth } = await started({ htpasswd: { inline: 'ann:x' } });
    expect(await admits(auth, value)).toBe(false);
  },
);

test('who is refused is told what to bring', async () => {
  const { auth } = await started({ htpasswd: { inline: 'ann:x' } });
  expect(auth.serverAuthenticator?.challenge).toBe('Basic realm="spanweir", charset="UTF-8"');
});

test('a file is read again, and what was let in before is not any more', async () => {
  const path = await fileWith('# users\nann:one\n');
  const { auth, clock } = await started({ htpasswd: { file: path, inline: 'bob:two' } });
  expect(await admits(auth, basic('ann:one'))).toBe(true);
  expect(await admits(auth, basic('bob:two'))).toBe(true);
  await writeFile(path, 'ann:three\n');
  await clock.advance(5000);
  await expect.poll(async () => admits(auth, basic('ann:three'))).toBe(true);
  expect(await admits(auth, basic('ann:one'))).toBe(false);
});

test('while the file is away the last users hold, and the health says so', async () => {
  const path = await fileWith('ann:one\n');
  const { auth, clock, seen } = await started({ htpasswd: { file: path } });
  await rm(path);
  await clock.advance(5000);
  await expect.poll(() => seen.health.status).toBe('recoverable');
  expect(await admits(auth, basic('ann:one'))).toBe(true);
});

test('a file that is not there at the start is named', async () => {
  await expect(started({ htpasswd: { file: '/nowhere/htpasswd' } })).rejects.toThrow(
    "extensions.basicauth.htpasswd.file: can't read /nowhere/htpasswd",
  );
});

test('wrong passwords for slow hashes wait in a line that has an end', async () => {
  const { auth } = await started({
    htpasswd: { inline: 'ann:$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/' },
  });
  const verdicts = Array.from({ length: 100 }, (_, i) => auth.serverAuthenticator?.admits(basic(`ann:${i}`)));
  await settle();
  expect(verdicts.filter((verdict) => verdict === false)).toHaveLength(36);
});

test('a client brings its login, from files too', async () => {
  const path = await fileWith('from the file\n');
  const { auth } = await started({ client_auth: { username: 'ann', password: 'x', password_file: path } });
  expect(auth.serverAuthenticator).toBeUndefined();
  expect(auth.clientAuthenticator?.value()).toBe(basic('ann:from the file'));
});

test.each([
  [{}, 'no credential source provided'],
  [{ htpasswd: {} }, 'no credential source provided'],
  [
    { htpasswd: { inline: 'a:b' }, client_auth: {} },
    'only one of `htpasswd` and `client_auth` can be specified',
  ],
])('%j is refused', (config, message) => {
  expect(basicAuthConfig.safeParse(config).error?.issues[0]?.message).toBe(message);
});
