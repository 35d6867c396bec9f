import type { ComponentContext, Deadline } from '../../../base/component.ts';
import { SpanweirError, toError } from '../../../base/errors.ts';
import { isBroken } from '../../../base/failpoints.ts';
import type { Assignment } from '../../../kafka/assignment.ts';
import type { KafkaClient } from '../../../kafka/client.ts';
import { kafkaError } from '../../../kafka/errors.ts';
import { GroupMember } from '../../../kafka/group-member.ts';
import type { GroupOptions, GroupOwner } from '../../../kafka/group-owner.ts';
import { keepingAssigner } from '../../../kafka/keeping-assigner.ts';
import { jittered } from '../../../sampling/jitter.ts';

export interface MembershipDeps {
  readonly kafka: KafkaClient;
  readonly topic: string;
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly context: Pick<ComponentContext, 'clock' | 'random' | 'log'>;
  /** The group has decided, with an answer to `mayDecide` that may differ from the last one. */
  decided(): void;
}

/** How often a member looks after its group: what a rebalance costs beyond the session timeout comes from here. */
const LOOK_MS = 100;
const BEATS_PER_SESSION = 20;
const WATCH_MS = 1000;
/** Longer than any rebalance. */
const STUCK_MS = 120_000;
const RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;

/**
 * This replica's part in the group of all replicas. Whoever has the partition keeps it while it lives. Nothing is ever
 * read or committed through the group: it only says who decides.
 */
export class Membership implements GroupOwner {
  readonly #deps: MembershipDeps;
  readonly #stopping = new AbortController();
  #member: GroupMember | undefined;
  #assignment: Assignment | undefined;
  #hadInGeneration = -1;
  #life: Promise<void> | undefined;
  #trouble: string | undefined = 'has not joined the group yet';

  constructor(deps: MembershipDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#life = this.#live();
  }

  /** Leaves the group, so that another one is chosen at once. */
  async stop(deadline: Deadline): Promise<void> {
    this.#stopping.abort();
    await this.#member?.stop(deadline.signal);
    if (!deadline.signal.aborted) await this.#life;
  }

  /**
   * To be asked in the turn in which something is decided or written: false as soon as the group has moved on, or when
   * the last answered heartbeat is so old that it may have.
   */
  mayDecide(): boolean {
    const assignment = this.#assignment;
    if (assignment === undefined || assignment.positions.length === 0) return false;
    if (isBroken('write_after_session_timeout')) return assignment.isCurrent;
    return assignment.mayBegin() && !assignment.ending.aborted;
  }

  /** The group has chosen another one. */
  get isFollower(): boolean {
    return this.#assignment?.positions.length === 0;
  }

  /** Why this replica is in no group, in words. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  assigned(assignment: Assignment): void {
    for (const { topic, partition } of assignment.positions) this.#member?.pause(topic, partition);
    this.#assignment = assignment;
    this.#hadInGeneration = assignment.positions.length > 0 ? assignment.generationId : -1;
    this.#trouble = undefined;
    this.#deps.decided();
  }

  /** The transactional id says whose writes count: one that is on its way needs no waiting for. */
  async settle(): Promise<void> {}

  drop(): void {
    this.#assignment = undefined;
    this.#deps.decided();
  }

  async take(): Promise<void> {}

  moved(): boolean {
    return false;
  }

  async #live(): Promise<void> {
    const { kafka, context } = this.#deps;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      const beganMs = context.clock.monotonicMs();
      this.#member = new GroupMember(kafka, this.#options(), this, context);
      const over = new AbortController();
      void this.#watch(this.#member, over.signal);
      const error = await this.#member.run().catch((thrown: unknown) => kafkaError(thrown, 'sampling group'));
      over.abort();
      if (signal.aborted) return;
      const ended = error ?? new SpanweirError('UNAVAILABLE', 'the membership has ended');
      this.#trouble = ended.message;
      failures = context.clock.monotonicMs() - beganMs > 60_000 ? 1 : failures + 1;
      const waitMs = jittered(Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (failures - 1)), context.random);
      context.log.warn(
        { err: toError(ended), waitMs },
        'the membership of the sampling group ended: joining again',
      );
      await context.clock.sleep(waitMs, signal);
    }
  }

  /** kafkajs can wait for an answer that never comes. */
  async #watch(member: GroupMember, over: AbortSignal): Promise<void> {
    const { clock } = this.#deps.context;
    while (!over.aborted) {
      await clock.sleep(WATCH_MS, over);
      if (over.aborted || member.silentMs < STUCK_MS) continue;
      await member.fail(new SpanweirError('UNAVAILABLE', 'the sampling group does not answer'));
    }
  }

  #options(): GroupOptions {
    const { topic, groupId, sessionTimeoutMs } = this.#deps;
    return {
      groupId,
      topics: [topic],
      beginsAt: () => 'latest',
      sessionTimeoutMs,
      heartbeatIntervalMs: Math.floor(sessionTimeoutMs / BEATS_PER_SESSION),
      minBytes: 1,
      maxBytes: 1 << 20,
      maxBytesPerPartition: 1 << 20,
      maxWaitMs: LOOK_MS,
      rackId: '',
      metadataMaxAgeMs: 300_000,
      retries: 5,
      assigner: keepingAssigner(() => this.#hadInGeneration),
    };
  }
}
