import { type Admin, AssignerProtocol, Kafka, logLevel } from 'kafkajs';
import { type BlockPlan, decodePlan } from '../../src/flow/block-plan.ts';

export interface PartitionPosition {
  readonly partition: number;
  /** -1 = nothing was committed. */
  readonly offset: number;
  readonly plan: BlockPlan | undefined;
}

const LOOK_MS = 250;
/** A request whose connection is given up is never answered by kafkajs. */
const ANSWER_MS = 10_000;
/** The first question of a client is always refused: it has not looked for brokers yet. */
const RETRY = { retries: 3, initialRetryTime: 100 };

/** What the broker says of a consumer group; asked all the time, so that a victim's partitions are known when it dies. */
export class GroupWatch {
  readonly #kafka: Kafka;
  readonly #groupId: string;
  readonly #topic: string;
  readonly #looking: Promise<void>;
  #admin: Admin | undefined;
  readonly #opened = new Set<Admin>();
  #isEnding = false;
  /** Client id -> partitions, of the last time that the group was stable. */
  #owned: ReadonlyMap<string, readonly number[]> = new Map();
  #state = 'Unknown';
  #stableSinceMs = Number.POSITIVE_INFINITY;

  constructor(brokers: readonly string[], groupId: string, topic: string) {
    this.#kafka = new Kafka({
      brokers: [...brokers],
      clientId: 'chaos-watch',
      logLevel: logLevel.NOTHING,
      retry: RETRY,
    });
    this.#groupId = groupId;
    this.#topic = topic;
    this.#looking = this.#look();
  }

  get state(): string {
    return this.#state;
  }

  /** Milliseconds for which the group has been stable; 0 when it is not. */
  get stableMs(): number {
    return this.#state === 'Stable' ? Math.max(0, performance.now() - this.#stableSinceMs) : 0;
  }

  ownedBy(clientId: string): readonly number[] {
    return this.#owned.get(clientId) ?? [];
  }

  get owners(): readonly string[] {
    return [...this.#owned.keys()];
  }

  async positions(): Promise<PartitionPosition[]> {
    const [answer] = await this.#ask((admin) =>
      admin.fetchOffsets({ groupId: this.#groupId, topics: [this.#topic] }),
    );
    return (answer?.partitions ?? []).map(({ partition, offset, metadata }) => {
      const plan = decodePlan(metadata);
      return { partition, offset: Number(offset), plan: typeof plan === 'string' ? undefined : plan };
    });
  }

  /** What an operator does: the same offsets again, without what the commits said. The group must be empty. */
  async forgetPlans(): Promise<void> {
    const partitions = (await this.positions())
      .filter(({ offset }) => offset >= 0)
      .map(({ partition, offset }) => ({ partition, offset: String(offset) }));
    await this.#ask((admin) => admin.setOffsets({ groupId: this.#groupId, topic: this.#topic, partitions }));
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#looking;
    await Promise.all(Array.from(this.#opened, (admin) => admin.disconnect().catch(() => {})));
  }

  async #look(): Promise<void> {
    while (!this.#isEnding) {
      await this.#lookOnce().catch((error: unknown) => {
        this.#state = 'Unknown';
        if (process.env.CHAOS_DEBUG !== undefined) console.log(`the group can't be seen: ${String(error)}`);
      });
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async #lookOnce(): Promise<void> {
    const { groups } = await this.#ask((admin) => admin.describeGroups([this.#groupId]));
    const group = groups[0];
    const state = group?.state ?? 'Unknown';
    if (state === 'Stable' && this.#state !== 'Stable') this.#stableSinceMs = performance.now();
    this.#state = state;
    if (group === undefined || state !== 'Stable') return;
    const owned = new Map<string, number[]>();
    for (const { clientId, memberAssignment } of group.members) {
      const assignment = AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {};
      owned.set(clientId, [...(owned.get(clientId) ?? []), ...(assignment[this.#topic] ?? [])]);
    }
    this.#owned = owned;
  }

  async #ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.#admin ?? this.#kafka.admin({ retry: RETRY });
    this.#opened.add(admin);
    const late = new AbortController();
    try {
      return await Promise.race([
        (this.#admin === undefined ? admin.connect() : Promise.resolve()).then(() => {
          this.#admin = admin;
          return question(admin);
        }),
        tooLate(late.signal),
      ]);
    } catch (error) {
      if (this.#admin === admin) this.#admin = undefined;
      this.#opened.delete(admin);
      void admin.disconnect().catch(() => {});
      throw error;
    } finally {
      late.abort();
    }
  }
}

function tooLate(over: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer')), ANSWER_MS);
    over.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}
