import { type FetchedBytes, type FetchLimits, FetchSizes } from './fetch-sizes.ts';
import { FetchTurns } from './fetch-turns.ts';
import type { FetchedBatch } from './fetched-batch.ts';
import type { AssignedTopic, ConsumerGroup } from './kafkajs-internals.ts';

/** What a group of ours is told that kafkajs has no event for. Found by the group on its first assigner. */
export interface GroupHooks {
  /** Before every (re)join: what is in flight must be settled or dropped when this resolves. Never rejects. */
  beforeJoin(group: ConsumerGroup): Promise<void>;
  /** After SyncGroup, before the first fetch. Rejects = join again. */
  afterSync(group: ConsumerGroup): Promise<void>;
  /** How long to wait before joining again after `failures` rejections in a row, or undefined to give up. */
  pauseBeforeRejoin(failures: number): Promise<boolean>;
  /** Any object that stands for the current assignment; fetched batches carry the one of their request. */
  currentAssignment(): object | undefined;
  /** True once the current assignment is over, whoever noticed: the group is joined again before the next fetch. */
  mustRejoin(): boolean;
  /** What there is room for; undefined = whatever comes. */
  freeBytes(): number | undefined;
  /** A fetch was answered (or there was nothing to ask for), or failed in a way that kafkajs gets over. */
  fetched(outcome: 'answered' | 'failed'): void;
  outOfRange(group: ConsumerGroup, topic: string, partition: number): Promise<void>;
}

/** An assigner that carries hooks. */
export interface HookedAssigner {
  readonly hooks?: GroupHooks;
}

interface OutOfRangeError {
  readonly topic: string;
  readonly partition: number;
}

interface Prototype extends ConsumerGroup, FetchLimits {
  joinAndSync: (this: Prototype) => Promise<void>;
  fetch: (this: Prototype, nodeId: number) => Promise<FetchedBatch[]>;
  filterPartitionsByNode: (
    this: Prototype,
    nodeId: number,
    topics: readonly AssignedTopic[],
  ) => AssignedTopic[];
  recoverFromFetch: (this: Prototype, error: unknown) => Promise<void>;
  recoverFromOffsetOutOfRange: (this: Prototype, error: OutOfRangeError) => Promise<void>;
}

/** What a group of ours fetches next. */
interface Fetches {
  readonly sizes: FetchSizes;
  readonly turns: FetchTurns;
}

/** Wraps five methods of kafkajs' ConsumerGroup; groups without hooks keep the behaviour that they had. */
export function hookConsumerGroup(type: unknown): void {
  const prototype = (type as { prototype: Prototype }).prototype;
  const { joinAndSync, fetch, filterPartitionsByNode, recoverFromFetch, recoverFromOffsetOutOfRange } =
    prototype;
  const failures = new WeakMap<Prototype, number>();
  const fetches = new WeakMap<Prototype, Fetches>();
  const fetchesOf = (group: Prototype): Fetches => {
    const own = fetches.get(group) ?? { sizes: new FetchSizes(group), turns: new FetchTurns() };
    fetches.set(group, own);
    return own;
  };

  prototype.joinAndSync = async function (this: Prototype) {
    const hooks = hooksOf(this);
    if (hooks === undefined) return await joinAndSync.call(this);
    await hooks.beforeJoin(this);
    fetches.get(this)?.sizes.forget();
    fetches.get(this)?.turns.forget();
    for (let failures = 0; ; failures++) {
      await joinAndSync.call(this);
      try {
        return await hooks.afterSync(this);
      } catch (error) {
        if (!(await hooks.pauseBeforeRejoin(failures + 1))) throw error;
      }
    }
  };

  prototype.fetch = async function (this: Prototype, nodeId: number) {
    const hooks = hooksOf(this);
    if (hooks?.mustRejoin() === true) throw new RejoinError();
    if (hooks === undefined) return await fetch.call(this, nodeId);
    const assignment = hooks.currentAssignment();
    const { sizes, turns } = fetchesOf(this);
    sizes.apply(this, nodeId, hooks.freeBytes());
    const failuresBefore = failures.get(this) ?? 0;
    const batches = await fetch.call(this, nodeId);
    hooks.fetched((failures.get(this) ?? 0) === failuresBefore ? 'answered' : 'failed');
    for (const batch of batches) batch.assignment = assignment;
    sizes.fetched(nodeId, bytesOf(batches));
    turns.answered(nodeId, batches);
    // A response has a part for every partition, most of them empty, and kafkajs would send each on its way.
    return batches.filter((batch) => !batch.isEmpty());
  };

  prototype.filterPartitionsByNode = function (this: Prototype, nodeId, topics) {
    const own = filterPartitionsByNode.call(this, nodeId, topics);
    return hooksOf(this) === undefined ? own : fetchesOf(this).turns.inTurn(nodeId, own);
  };

  prototype.recoverFromFetch = async function (this: Prototype, error: unknown) {
    failures.set(this, (failures.get(this) ?? 0) + 1);
    await recoverFromFetch.call(this, error);
  };

  prototype.recoverFromOffsetOutOfRange = async function (this: Prototype, error: OutOfRangeError) {
    const hooks = hooksOf(this);
    if (hooks === undefined) return await recoverFromOffsetOutOfRange.call(this, error);
    const preferred = this.preferredReadReplicasPerTopicPartition[error.topic];
    if (preferred?.[error.partition] !== undefined) {
      // A follower may be behind: the leader has the last word.
      delete preferred[error.partition];
      return;
    }
    await hooks.outOfRange(this, error.topic, error.partition);
  };
}

function bytesOf(batches: readonly FetchedBatch[]): FetchedBytes {
  const sum = (of: keyof FetchedBytes): number =>
    batches.reduce((bytes, batch) => bytes + batch.bytes[of], 0);
  return { sentBytes: sum('sentBytes'), leftBytes: sum('leftBytes') };
}

/** What kafkajs' Runner takes for the coordinator's word that the group rebalances. */
class RejoinError extends Error {
  readonly type = 'REBALANCE_IN_PROGRESS';

  constructor() {
    super('the assignment is over');
    this.name = 'RejoinError';
  }
}

function hooksOf(group: ConsumerGroup): GroupHooks | undefined {
  return (group.assigners[0] as HookedAssigner | undefined)?.hooks;
}
