import { expect, test } from 'vitest';
import { md5Crypt, shaCrypt } from '../../../src/extensions/basicauth/crypt.ts';

/** What `openssl passwd` made of them. */
const SHORT = 'correct horse';
const LONG = 'пароль-and-a-very-long-password-of-more-than-sixty-four-bytes-indeed-0123456789';

test.each([
  ['$apr1$', SHORT, 'saltsalt', 'EGVZDNN6gOqijy.tv9axG/'],
  ['$1$', SHORT, 'saltsalt', 'NuzA7WTAelpl95xgBGWN60'],
  ['$apr1$', LONG, 'abcdefgh', '5JKZiVEKGxbL1RPtZWYyD.'],
  ['$1$', LONG, 'abcdefgh', '/e4j2E5i1quWaHycSWV6I0'],
] as const)('%s is that of openssl', (magic, password, salt, hash) => {
  expect(md5Crypt(password, salt, magic)).toBe(hash);
});

test.each([
  ['sha256', SHORT, 'saltsalt', 'myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/'],
  [
    'sha512',
    SHORT,
    'saltsalt',
    'hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0',
  ],
  ['sha256', LONG, 'abcdefgh', '4WSTYGcbj2rE6W5GMsXNd44e5qrHHBP0mUBctjsJY.7'],
  [
    'sha512',
    LONG,
    'abcdefgh',
    'abGyHW8hrSB0aA4w/PCwD.v7uYUOHQXuULbK7iksUylrn614wCSVdmP.TbUgb08YtPp9YokWV1DPjjNGVARyb/',
  ],
] as const)('%s is that of openssl', (algorithm, password, salt, hash) => {
  expect(shaCrypt(password, salt, algorithm)).toBe(hash);
});
