import type { HealthReporter } from '../../base/instruments.ts';

/** How a member of a group feels, between two assignments: what is told as health. */
export class Standing {
  readonly #health: HealthReporter;
  #isSilent = false;
  #held: string | undefined;

  constructor(health: HealthReporter) {
    this.#health = health;
  }

  /** The brokers do not answer. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  joined(): void {
    this.#isSilent = false;
    this.#held = undefined;
    this.#tell();
  }

  silent(isSilent: boolean): void {
    if (isSilent === this.#isSilent) return;
    this.#isSilent = isSilent;
    this.#tell();
  }

  /** A partition waits until the next assignment; the first one is told. */
  holds(what: string): void {
    this.#held ??= what;
    this.#tell();
  }

  #tell(): void {
    if (this.#isSilent) this.#health.report('recoverable', 'the brokers do not answer');
    else if (this.#held !== undefined) this.#health.report('recoverable', this.#held);
    else this.#health.report('ok');
  }
}
