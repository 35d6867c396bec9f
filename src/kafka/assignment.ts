import { setMaxListeners } from 'node:events';
import { isBroken } from '../base/failpoints.ts';
import { failureOf, isFenced, kafkaError } from './errors.ts';
import type { ConsumerGroup, OffsetCommitRequest } from './kafkajs-internals.ts';
import type { Position } from './positions.ts';

interface PendingCommit {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
  readonly metadata: string | null;
  resolve(outcome: 'committed' | 'fenced'): void;
  reject(error: Error): void;
}

/** What an assignment is told of the membership that it belongs to. */
export interface AssignmentEnv {
  /** The broker has said that the group moved on. */
  onFenced(): void;
  /** False once the last answered heartbeat is so old that the coordinator may have given the partitions away. */
  isInTouch(): boolean;
}

/**
 * One generation of a group, as one member saw it. Commits go out under exactly this generation and member id,
 * never under a newer one, so that the broker refuses them once the group has moved on; and none goes out
 * after `end`.
 */
export class Assignment {
  readonly generationId: number;
  readonly memberId: string;
  readonly positions: readonly Position[];
  readonly #group: ConsumerGroup;
  readonly #env: AssignmentEnv;
  readonly #ending = new AbortController();
  #isCurrent = true;
  #pending: PendingCommit[] = [];
  #isFlushing = false;

  constructor(group: ConsumerGroup, positions: readonly Position[], env: AssignmentEnv) {
    // Every partition may wait for it.
    setMaxListeners(0, this.#ending.signal);
    this.#group = group;
    this.#env = env;
    this.positions = positions;
    this.generationId = group.generationId ?? -1;
    this.memberId = group.memberId ?? '';
  }

  /** False = nothing may be committed under it any more. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** To be asked in the turn in which something is written: false once another member may own the partitions. */
  mayBegin(): boolean {
    return this.#isCurrent && this.#env.isInTouch();
  }

  /** Aborts as soon as it is known that the group rebalances: from then on nothing new begins. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  close(): void {
    this.#ending.abort();
  }

  end(): void {
    this.#isCurrent = false;
    this.#ending.abort();
    const pending = this.#pending;
    this.#pending = [];
    for (const commit of pending) commit.resolve('fenced');
  }

  /**
   * Moves the group's position. Commits of several partitions share requests. Rejects with UNAVAILABLE when the
   * outcome is not known: to be tried again.
   */
  commit(
    topic: string,
    partition: number,
    nextOffset: number,
    metadata: string | null = null,
  ): Promise<'committed' | 'fenced'> {
    if (!this.#isCurrent && !isBroken('commit_under_newer_generation')) return Promise.resolve('fenced');
    return new Promise((resolve, reject) => {
      this.#pending.push({ topic, partition, nextOffset, metadata, resolve, reject });
      void this.#flush();
    });
  }

  /** Sends one now, for this generation. Rejects as the coordinator answers. */
  async heartbeat(): Promise<void> {
    try {
      await this.#group.coordinator.heartbeat({
        groupId: this.#group.groupId,
        memberId: this.memberId,
        groupGenerationId: this.generationId,
      });
    } catch (error) {
      await this.#findCoordinator(error);
      throw error;
    }
  }

  async #flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    // Commits that are asked for in the same turn go together.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const commits = this.#pending;
      this.#pending = [];
      await this.#send(commits);
    }
    this.#isFlushing = false;
  }

  async #send(commits: readonly PendingCommit[]): Promise<void> {
    try {
      const coordinator = await this.#group.offsetManager?.getCoordinator();
      const isCurrent = this.#isCurrent || isBroken('commit_under_newer_generation');
      if (coordinator === undefined || !isCurrent) return this.#fenced(commits);
      await coordinator.offsetCommit(this.#request(commits));
      for (const commit of commits) commit.resolve('committed');
    } catch (error) {
      if (isFenced(error)) return this.#fenced(commits);
      await this.#findCoordinator(error);
      // One partition's trouble (a deleted topic) must not hold the others.
      if (commits.length > 1) for (const commit of commits) await this.#send([commit]);
      else for (const commit of commits) commit.reject(kafkaError(error, 'commit'));
    }
  }

  #fenced(commits: readonly PendingCommit[]): void {
    const wasCurrent = this.#isCurrent;
    this.end();
    for (const commit of commits) commit.resolve('fenced');
    if (wasCurrent) this.#env.onFenced();
  }

  #request(commits: readonly PendingCommit[]): OffsetCommitRequest {
    const topics = new Map<string, Map<number, PendingCommit>>();
    for (const commit of commits) {
      const partitions = topics.get(commit.topic) ?? new Map<number, PendingCommit>();
      topics.set(commit.topic, partitions.set(commit.partition, commit));
    }
    const isNewest = isBroken('commit_under_newer_generation');
    return {
      groupId: this.#group.groupId,
      memberId: isNewest ? (this.#group.memberId ?? '') : this.memberId,
      groupGenerationId: isNewest ? (this.#group.generationId ?? -1) : this.generationId,
      topics: Array.from(topics, ([topic, partitions]) => ({
        topic,
        partitions: Array.from(partitions.values(), ({ partition, nextOffset, metadata }) => ({
          partition,
          offset: String(nextOffset),
          metadata,
        })),
      })),
    };
  }

  async #findCoordinator(error: unknown): Promise<void> {
    if (failureOf(error).type !== 'NOT_COORDINATOR_FOR_GROUP') return;
    try {
      const { cluster, groupId, offsetManager } = this.#group;
      await cluster.refreshMetadata();
      const coordinator = await cluster.findGroupCoordinator({ groupId });
      this.#group.coordinator = coordinator;
      if (offsetManager !== null) offsetManager.coordinator = coordinator;
    } catch {
      // The commit is tried again anyway, and finds out the same way.
    }
  }
}
