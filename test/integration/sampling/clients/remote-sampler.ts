import { waitFor } from '../../../support/wait.ts';
import type { Client } from './client.ts';

/** So few by chance, all of them or none at all, are less than one in 10^18 for any probability up to a half. */
const PROBE = 64;

export interface RemoteSamplerOptions {
  readonly endpoint: string;
  readonly service: string;
  readonly pollMs?: number;
  readonly caFile?: string;
}

/** One of a client's samplers. */
export class RemoteSampler {
  readonly #client: Client;
  readonly #name: string;
  readonly #isOnAtFirst: boolean;

  private constructor(client: Client, name: string, isOnAtFirst: boolean) {
    this.#client = client;
    this.#name = name;
    this.#isOnAtFirst = isOnAtFirst;
  }

  /** `firstProbability`: of what `untilApplied` will ask for; until it is served, the opposite holds. */
  static async start(
    client: Client,
    name: string,
    options: RemoteSamplerOptions & { readonly firstProbability: number },
  ): Promise<RemoteSampler> {
    const { firstProbability, ...rest } = options;
    const isOnAtFirst = firstProbability <= 0.5;
    const initial = isOnAtFirst ? 'on' : 'off';
    await client.ask({ op: 'configure', sampler: name, initial, ...rest });
    return new RemoteSampler(client, name, isOnAtFirst);
  }

  /** How many of so many new traces it samples. */
  async sample(operation: string, decisions: number): Promise<number> {
    const { sampled } = await this.#client.ask({ op: 'sample', sampler: this.#name, operation, decisions });
    if (sampled === undefined) throw new Error(`${this.#name}: no count came back`);
    return sampled;
  }

  async description(): Promise<string> {
    return (await this.#client.ask({ op: 'describe', sampler: this.#name })).description ?? '';
  }

  /** Resolves when it no longer does what it did before it was told anything. */
  async untilApplied(operation: string): Promise<void> {
    await waitFor(`${this.#name} takes what is served`, async () => await this.#hasApplied(operation));
  }

  /** Whether it does so within a time. */
  async isApplied(operation: string, withinMs: number): Promise<boolean> {
    const end = performance.now() + withinMs;
    let isApplied = false;
    await waitFor(`${this.#name} takes what is served, or not`, async () => {
      isApplied = await this.#hasApplied(operation);
      return isApplied || performance.now() > end;
    });
    return isApplied;
  }

  /** Resolves when it samples every trace of an operation. */
  async untilAll(operation: string): Promise<void> {
    await waitFor(
      `${this.#name} samples all of ${operation}`,
      async () => (await this.sample(operation, PROBE)) === PROBE,
    );
  }

  async #hasApplied(operation: string): Promise<boolean> {
    return (await this.sample(operation, PROBE)) !== (this.#isOnAtFirst ? PROBE : 0);
  }
}
