import { type Admin, AssignerProtocol, Kafka, logLevel } from 'kafkajs';
import { type BlockPlan, decodePlan } from '../../src/flow/block-plan.ts';

export interface PartitionPosition {
  readonly partition: number;
  /** -1 = nothing was committed. */
  readonly offset: number;
  readonly plan: BlockPlan | undefined;
}

const LOOK_MS = 250;

/** What the broker says of a consumer group; asked all the time, so that a victim's partitions are known when it dies. */
export class GroupWatch {
  readonly #kafka: Kafka;
  readonly #groupId: string;
  readonly #topic: string;
  readonly #looking: Promise<void>;
  #admin: Admin | undefined;
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
      retry: { retries: 0 },
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
    const admin = await this.#connected();
    const [answer] = await admin.fetchOffsets({ groupId: this.#groupId, topics: [this.#topic] });
    return (answer?.partitions ?? []).map(({ partition, offset, metadata }) => {
      const plan = decodePlan(metadata);
      return { partition, offset: Number(offset), plan: typeof plan === 'string' ? undefined : plan };
    });
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#looking;
    await this.#admin?.disconnect().catch(() => {});
  }

  async #look(): Promise<void> {
    while (!this.#isEnding) {
      await this.#lookOnce().catch(() => {
        this.#state = 'Unknown';
        const admin = this.#admin;
        this.#admin = undefined;
        void admin?.disconnect().catch(() => {});
      });
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async #lookOnce(): Promise<void> {
    const admin = await this.#connected();
    const { groups } = await admin.describeGroups([this.#groupId]);
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

  async #connected(): Promise<Admin> {
    if (this.#admin !== undefined) return this.#admin;
    const admin = this.#kafka.admin({ retry: { retries: 0 } });
    await admin.connect();
    this.#admin = admin;
    return admin;
  }
}
