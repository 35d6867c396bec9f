import { createHash } from 'node:crypto';

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const MD5_ROUNDS = 1000;
const SHA_ROUNDS = 5000;
const MAX_SHA_ROUNDS = 999_999_999;

/** Which bytes of a digest make each group of four letters. */
const MD5_ORDER = [0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5];

/** As `openssl passwd -apr1` (magic `$apr1$`) and `-1` (`$1$`) make it, without the part before the hash. */
export function md5Crypt(password: string, salt: string, magic: '$apr1$' | '$1$'): string {
  const key = Buffer.from(password);
  const salted = Buffer.from(salt);
  const inner = createHash('md5').update(key).update(salted).update(key).digest();
  const first = createHash('md5').update(key).update(magic).update(salted);
  first.update(repeated(inner, key.length));
  for (let bits = key.length; bits > 0; bits >>= 1) {
    first.update((bits & 1) === 1 ? Buffer.from([0]) : key.subarray(0, 1));
  }
  let digest = first.digest();
  for (let round = 0; round < MD5_ROUNDS; round++) {
    const hash = createHash('md5').update(round % 2 === 1 ? key : digest);
    if (round % 3 !== 0) hash.update(salted);
    if (round % 7 !== 0) hash.update(key);
    digest = hash.update(round % 2 === 1 ? digest : key).digest();
  }
  let text = '';
  for (let i = 0; i < MD5_ORDER.length; i += 3) text += letters(MD5_ORDER.slice(i, i + 3), digest, 4);
  return text + letters([11], digest, 2);
}

/** As `openssl passwd -5` (sha256) and `-6` (sha512) make it, without the part before the hash. */
export function shaCrypt(
  password: string,
  salt: string,
  algorithm: 'sha256' | 'sha512',
  rounds = SHA_ROUNDS,
): string {
  const key = Buffer.from(password);
  const salted = Buffer.from(salt);
  const inner = createHash(algorithm).update(key).update(salted).update(key).digest();
  const first = createHash(algorithm).update(key).update(salted).update(repeated(inner, key.length));
  for (let bits = key.length; bits > 0; bits >>= 1) first.update((bits & 1) === 1 ? inner : key);
  let digest = first.digest();
  const keys = repeated(digestOfRepeats(algorithm, key, key.length), key.length);
  const salts = repeated(digestOfRepeats(algorithm, salted, 16 + (digest[0] as number)), salted.length);
  const count = Math.min(MAX_SHA_ROUNDS, Math.max(1000, rounds));
  for (let round = 0; round < count; round++) {
    const hash = createHash(algorithm).update(round % 2 === 1 ? keys : digest);
    if (round % 3 !== 0) hash.update(salts);
    if (round % 7 !== 0) hash.update(keys);
    digest = hash.update(round % 2 === 1 ? digest : keys).digest();
  }
  return shaLetters(digest);
}

/** Groups of three bytes, a third of the digest apart, each group beginning one third further than the last. */
function shaLetters(digest: Buffer): string {
  const third = Math.floor(digest.length / 3);
  const isLong = digest.length === 64;
  let text = '';
  for (let i = 0; i < third; i++) {
    const [a, b, c] = [i, i + third, i + 2 * third] as const;
    const turns = [
      [a, b, c],
      [b, c, a],
      [c, a, b],
    ];
    // SHA-512 turns the group the one way, SHA-256 the other.
    const turn = isLong ? i % 3 : (3 - (i % 3)) % 3;
    text += letters(turns[turn] as number[], digest, 4);
  }
  return text + (isLong ? letters([63], digest, 2) : letters([31, 30], digest, 3));
}

function digestOfRepeats(algorithm: string, bytes: Buffer, times: number): Buffer {
  const hash = createHash(algorithm);
  for (let i = 0; i < times; i++) hash.update(bytes);
  return hash.digest();
}

function repeated(bytes: Buffer, length: number): Buffer {
  return Buffer.alloc(length, bytes);
}

/** The bytes as one number, most significant first, written six bits a letter from the lowest on. */
function letters(places: readonly number[], digest: Buffer, count: number): string {
  let value = 0;
  for (const place of places) value = value * 256 + (digest[place] as number);
  let text = '';
  for (let i = 0; i < count; i++) {
    text += ALPHABET[value % 64];
    value = Math.floor(value / 64);
  }
  return text;
}
