import type { HealthReporter, HealthStatus } from '../../../base/instruments.ts';

type Part = 'topics' | 'topic' | 'group' | 'store' | 'office';

/** One component's health, put together from those of its parts; told when it changes. */
export class PartsHealth {
  readonly #health: HealthReporter;
  readonly #troubles = new Map<Part, { readonly status: HealthStatus; readonly reason: string }>();
  #told = '';

  constructor(health: HealthReporter) {
    this.#health = health;
  }

  /** What is wrong with a part, or undefined when nothing is. */
  set(part: Part, reason: string | undefined, status: 'recoverable' | 'broken' = 'recoverable'): void {
    if (reason === undefined) this.#troubles.delete(part);
    else this.#troubles.set(part, { status, reason });
    this.tell();
  }

  tell(): void {
    const troubles = [...this.#troubles.values()];
    const worst = troubles.find(({ status }) => status === 'broken') ?? troubles[0];
    const status = worst?.status ?? 'ok';
    const reason = troubles.map((each) => each.reason).join('; ');
    if (`${status} ${reason}` === this.#told) return;
    this.#told = `${status} ${reason}`;
    if (worst === undefined) this.#health.report('ok');
    else this.#health.report(status, reason);
  }

  /** Of a part that reports as a component of its own would. */
  reporterOf(part: Part): HealthReporter {
    return {
      report: (status, reason) => this.set(part, status === 'ok' ? undefined : (reason ?? status)),
    };
  }
}
