import { ownText } from '../../../base/own-text.ts';
import { serviceNames } from './service-names.ts';

/** What a request line asks for. */
export interface Target {
  readonly path: string;
  /** The names that it may mean, likeliest first; undefined unless there is exactly one service. */
  readonly services: readonly string[] | undefined;
}

const MAX_KEPT = 65_536;
/** Longer ones are no service that polls for years. */
const MAX_KEPT_LENGTH = 512;

/** Request lines as they come again every minute, read once. Two generations, so that neither ever grows. */
export class Targets {
  #young = new Map<string, Target>();
  #old = new Map<string, Target>();

  of(target: string): Target {
    const known = this.#young.get(target);
    if (known !== undefined) return known;
    const read = this.#old.get(target) ?? readTarget(target);
    if (target.length > MAX_KEPT_LENGTH) return read;
    if (this.#young.size >= MAX_KEPT) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    // It is a part of a request, whose headers may be long.
    this.#young.set(ownText(target), read);
    return read;
  }
}

function readTarget(target: string): Target {
  const url = new URL(`http://localhost${target.startsWith('/') ? '' : '/'}${target}`);
  return { path: url.pathname, services: serviceNames(url) };
}
