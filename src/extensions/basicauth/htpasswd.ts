import { createHash, timingSafeEqual } from 'node:crypto';
import bcrypt from 'bcryptjs';
import { md5Crypt, shaCrypt } from './crypt.ts';

/** `user:hash` lines, blank ones and `#` comments left out; of two for one user the last counts. */
export function parseHtpasswd(text: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const colon = line.indexOf(':');
    if (line === '' || line.startsWith('#') || colon < 0) continue;
    users.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return users;
}

/** Whether checking costs so much that it must not be had for the asking. */
export function isSlow(hash: string): boolean {
  return /^\$(2[aby]?|5|6|1|apr1)\$/.test(hash);
}

/** Whether a password is the one that was hashed. What no known way of hashing begins with is the password itself. */
export async function matches(password: string, hash: string): Promise<boolean> {
  if (/^\$2[aby]?\$/.test(hash)) {
    try {
      return await bcrypt.compare(password, hash);
    } catch {
      return false;
    }
  }
  const md5 = /^(\$apr1\$|\$1\$)([^$]{0,8})\$(.+)$/.exec(hash);
  if (md5 !== null) {
    const [, magic, salt = '', digest = ''] = md5;
    return same(md5Crypt(password, salt, magic as '$apr1$' | '$1$'), digest);
  }
  const sha = /^\$([56])\$(?:rounds=(\d+)\$)?([^$]{0,16})\$(.+)$/.exec(hash);
  if (sha !== null) {
    const [, kind, rounds, salt = '', digest = ''] = sha;
    const algorithm = kind === '5' ? 'sha256' : 'sha512';
    return same(
      shaCrypt(password, salt, algorithm, rounds === undefined ? undefined : Number(rounds)),
      digest,
    );
  }
  if (hash.startsWith('{SHA}')) {
    return same(createHash('sha1').update(password).digest('base64'), hash.slice('{SHA}'.length));
  }
  if (hash.startsWith('{SSHA}')) {
    const bytes = Buffer.from(hash.slice('{SSHA}'.length), 'base64');
    const salt = bytes.subarray(20);
    const digest = createHash('sha1').update(password).update(salt).digest();
    return same(digest.toString('hex'), bytes.subarray(0, 20).toString('hex'));
  }
  return same(password, hash);
}

/** In the same time wherever they differ. */
function same(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
