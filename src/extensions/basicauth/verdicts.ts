import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { isSlow, matches } from './htpasswd.ts';

const MAX_REMEMBERED = 10_000;
const MAX_WAITING = 64;
/** A wrong password is wrong for so long; a right one until the file changes. */
const WRONG_FOR_MS = 60_000;
/**
 * Who is let in. What was checked is remembered by a digest, since a sampler asks every minute and a good hash takes
 * a tenth of a second. Slow ones are checked one at a time with pauses in between, so that wrong passwords,
 * however many, leave the thread free half of the time.
 */
export class Verdicts {
  readonly #clock: Clock;
  #users: ReadonlyMap<string, string> = new Map();
  /** Infinity: let in; else until when it is refused unseen. */
  #known = new Map<string, number>();
  #line: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Replaces all users; nothing that was checked before counts. */
  take(users: ReadonlyMap<string, string>): void {
    this.#users = users;
    this.#known = new Map();
  }

  of(user: string, password: string): boolean | Promise<boolean> {
    const key = createHash('sha256').update(`${user}\0${password}`).digest('base64');
    const known = this.#known.get(key);
    if (known === Number.POSITIVE_INFINITY) return true;
    if (known !== undefined && this.#clock.monotonicMs() < known) return false;
    const hash = this.#users.get(user);
    // For a user that there is not another's is tried: being refused takes as long.
    const tried = hash ?? this.#users.values().next().value ?? '';
    if (!isSlow(tried)) return this.#check(key, password, tried, hash !== undefined);
    if (this.#waiting >= MAX_WAITING) return false;
    return this.#checkInLine(key, password, tried, hash !== undefined);
  }

  async #checkInLine(key: string, password: string, hash: string, exists: boolean): Promise<boolean> {
    this.#waiting += 1;
    const before = this.#line;
    let leave = (): void => {};
    this.#line = new Promise((resolve) => {
      leave = resolve;
    });
    await before;
    const startMs = this.#clock.monotonicMs();
    const isRight = await this.#check(key, password, hash, exists);
    this.#waiting -= 1;
    if (isRight) leave();
    else void this.#clock.sleep(this.#clock.monotonicMs() - startMs).then(leave);
    return isRight;
  }

  async #check(key: string, password: string, hash: string, exists: boolean): Promise<boolean> {
    const users = this.#users;
    const isRight = (await matches(password, hash)) && exists;
    // The file may have changed meanwhile.
    if (users !== this.#users) return isRight;
    if (this.#known.size >= MAX_REMEMBERED) this.#known = new Map();
    this.#known.set(key, isRight ? Number.POSITIVE_INFINITY : this.#clock.monotonicMs() + WRONG_FOR_MS);
    return isRight;
  }
}
