import { HyperLogLog, hashText, mixed } from '../sketch/hyper-log-log.ts';
import { type BlockRows, ROW_KEY } from './block-rows.ts';
import { type BlockWords, LOCAL_ID } from './block-words.ts';

const PERIOD_MS = 600_000;
const ESTIMATE_MS = 1000;
const LEAST_NOTED = 10_000;

/** How many series a lane would have without limits: an estimate over the last ten to twenty minutes. */
export class Demand {
  readonly #words: BlockWords;
  readonly #templates: boolean;
  readonly #wordsOfTuple: (tuple: number) => readonly (string | null)[];
  #current = new HyperLogLog();
  #before = new HyperLogLog();
  #sinceMs = 0;
  #nowMs = 0;
  #estimatedMs = Number.NEGATIVE_INFINITY;
  #estimate = 0;
  /** Rows since then. */
  #noted = 0;

  /** @param templates whether names are told apart by their templates only */
  constructor(
    words: BlockWords,
    wordsOfTuple: (tuple: number) => readonly (string | null)[],
    templates = false,
  ) {
    this.#templates = templates;
    this.#words = words;
    this.#wordsOfTuple = wordsOfTuple;
  }

  /** Of a block before anything is folded; `nowMs` is of a clock that goes on. */
  note({ keys, rows }: BlockRows, nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#noted += rows;
    if (nowMs - this.#sinceMs >= PERIOD_MS) {
      [this.#current, this.#before] = [this.#before, this.#current];
      this.#current.clear();
      this.#sinceMs = nowMs;
    }
    for (let row = 0; row < rows; row++) {
      const at = row * ROW_KEY;
      this.#current.add(this.#hash(keys[at] as number, keys[at + 1] as number, keys[at + 2] as number));
    }
  }

  /** Not older than a second, and than a few rows. */
  series(): number {
    const isNew = this.#noted > Math.max(LEAST_NOTED, this.#estimate / 20);
    if (!isNew && this.#nowMs - this.#estimatedMs < ESTIMATE_MS) return this.#estimate;
    this.#noted = 0;
    this.#estimatedMs = this.#nowMs;
    this.#estimate = Math.round(Math.max(this.#current.estimate(), this.#before.estimate()));
    return this.#estimate;
  }

  /** Ids that last are as good as what they stand for; those of one block are not. */
  #hash(identity: number, nameKindStatus: number, tuple: number): number {
    const sent = nameKindStatus >>> 5;
    const name = this.#templates ? this.#words.templateOf(sent) : sent;
    let hash = Math.imul(nameKindStatus & 31, 0x27d4eb2f);
    if (identity < LOCAL_ID) hash = mixed(hash ^ Math.imul(identity, 0x9e3779b1));
    else {
      const { instance, namespace, service } = this.#words.identityOf(identity);
      hash = hashText(`${service}\u0000${namespace}\u0000${instance}`, hash);
    }
    hash =
      name < LOCAL_ID ? mixed(hash ^ Math.imul(name, 0x85ebca6b)) : hashText(this.#words.nameOf(name), hash);
    if (tuple < LOCAL_ID) return mixed(hash ^ Math.imul(tuple, 0xc2b2ae35));
    return hashText(JSON.stringify(this.#wordsOfTuple(tuple)), hash);
  }
}
