import type { Subscription } from 'rxjs';
import type { Encoding, Intake, PartitionIntake, PartitionSource, RequestVerdict } from './intake.ts';
import type { IntakeDeps } from './intake-shared.ts';
import { LanePartitionIntake } from './partition-intake.ts';
import { RequestIntake } from './request-intake.ts';
import { SealPacer, toRelieve } from './seal-pacer.ts';
import { ticks } from './ticks.ts';

const LINGER_CHECK_MS = 25;
/** The intake of one receiver in one lane. */
export class LaneIntake implements Intake {
  readonly #deps: IntakeDeps;
  readonly #partitions = new Set<LanePartitionIntake>();
  readonly #requests: RequestIntake;
  readonly #pacer = new SealPacer();
  readonly #ticks: Subscription;

  constructor(deps: IntakeDeps, requestIdPrefix: string) {
    this.#deps = deps;
    this.#requests = new RequestIntake(deps, requestIdPrefix);
    this.#ticks = ticks(deps.clock, LINGER_CHECK_MS).subscribe(() => this.#sealWhatWaitedEnough());
  }

  get freeBytes(): number {
    return this.#deps.budget.freeBytes;
  }

  openPartition(source: PartitionSource): PartitionIntake {
    const intake = new LanePartitionIntake(source, this.#deps, {
      relieve: () => this.relieve(),
      closed: (closed) => {
        this.#partitions.delete(closed);
        this.#deps.budget.nudge();
      },
      hasTurn: (asking) => asking === this.#takingOver(),
    });
    this.#partitions.add(intake);
    return intake;
  }

  request(payload: Uint8Array, encoding: Encoding, timestampMs: number): Promise<RequestVerdict> {
    return this.#requests.request(payload, encoding, timestampMs);
  }

  /** See RequestIntake. */
  get requestsWaitSinceMs(): number | undefined {
    return this.#requests.waitingSinceMs;
  }

  /** Seals blocks that wait, because the lane's budget is used up. */
  relieve(): void {
    for (const partition of toRelieve(this.#partitions)) partition.seal();
    this.#requests.seal();
  }

  /** Finishes what is here; for receivers that have drained their partitions this is about requests. */
  async drain(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#requests.drain(signal),
      ...[...this.#partitions].map((partition) => partition.drain(signal)),
    ]);
    for (const partition of this.#partitions) partition.drop();
    this.#ticks.unsubscribe();
  }

  #takingOver(): LanePartitionIntake | undefined {
    for (const partition of this.#partitions) if (partition.isTakingOver) return partition;
    return undefined;
  }

  #sealWhatWaitedEnough(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const { lingerMs } = this.#deps.limits;
    for (const partition of this.#pacer.due(this.#partitions, { nowMs, lingerMs })) partition.seal();
    // What was on its way may have ended without giving enough back.
    if (this.#deps.budget.isExceeded) this.relieve();
    this.#requests.sealIfOlder(nowMs, lingerMs);
  }
}
