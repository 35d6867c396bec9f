import { setMaxListeners } from 'node:events';
import type { Consumer, EachBatchPayload, Kafka, PartitionAssigner } from 'kafkajs';
import { aborted } from '../base/aborted.ts';
import type { Clock } from '../base/clock.ts';
import { SpanweirError, toError } from '../base/errors.ts';
import type { Log } from '../base/instruments.ts';
import { Assignment } from './assignment.ts';
import { endConsumer } from './consumer-end.ts';
import { isRebalance, kafkaError } from './errors.ts';
import type { FetchedBatch } from './fetched-batch.ts';
import type { GroupHooks } from './group-hooks.ts';
import type { GroupOptions, GroupOwner } from './group-owner.ts';
import { kafkaJs } from './kafkajs.ts';
import type { ConsumerGroup } from './kafkajs-internals.ts';
import { logPositions, readPositions } from './positions.ts';

/**
 * One life of a kafkajs consumer: from `run` to a crash or `stop`. Does what kafkajs leaves open: commits are
 * bound to the generation they were made for, work in flight ends before the group is joined again, heartbeats
 * go on whatever the owner does, and a crash is a value instead of a consumer that is silently dead.
 */
export class GroupMember {
  readonly #consumer: Consumer;
  readonly #options: GroupOptions;
  readonly #owner: GroupOwner;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #over = new AbortController();
  readonly #paused = new Map<string, { topic: string; partition: number }>();
  #crash: Error | undefined;
  #group: ConsumerGroup | undefined;
  #assignment: Assignment | undefined;
  #isQuiet = false;
  #lastFetchMs: number;
  #lastBeatMs: number;
  #outSinceMs: number;
  /** Fetches that wait on purpose. */
  #holds = 0;

  constructor(kafka: Kafka, options: GroupOptions, owner: GroupOwner, env: { clock: Clock; log: Log }) {
    this.#options = options;
    this.#owner = owner;
    this.#clock = env.clock;
    this.#log = env.log;
    setMaxListeners(0, this.#over.signal);
    this.#lastFetchMs = env.clock.monotonicMs();
    this.#lastBeatMs = this.#lastFetchMs;
    this.#outSinceMs = this.#lastFetchMs;
    this.#consumer = kafka.consumer({
      groupId: options.groupId,
      partitionAssigners: [withHooks(this.#hooks(), options.assigner)],
      sessionTimeout: options.sessionTimeoutMs,
      heartbeatInterval: options.heartbeatIntervalMs,
      rebalanceTimeout: Math.max(60_000, options.sessionTimeoutMs),
      minBytes: options.minBytes,
      maxBytes: options.maxBytes,
      maxBytesPerPartition: options.maxBytesPerPartition,
      maxWaitTimeInMs: options.maxWaitMs,
      metadataMaxAge: options.metadataMaxAgeMs,
      rackId: options.rackId,
      allowAutoTopicCreation: false,
      retry: { retries: options.retries, restartOnFailure: () => Promise.resolve(false) },
    });
    this.#consumer.on(this.#consumer.events.CRASH, ({ payload }) => this.#end(payload.error));
  }

  /** Milliseconds since the brokers last answered, to fetches (unless those are held) or to heartbeats: the longer one. */
  get silentMs(): number {
    const lastMs = this.#holds > 0 ? this.#lastBeatMs : Math.min(this.#lastFetchMs, this.#lastBeatMs);
    return this.#clock.monotonicMs() - lastMs;
  }

  /** The next fetch waits for this: whoever held it knows that the brokers are not to blame. */
  async holdFor(work: Promise<void>): Promise<void> {
    this.#holds += 1;
    try {
      await work;
    } finally {
      this.#holds -= 1;
      this.#lastFetchMs = this.#clock.monotonicMs();
    }
  }

  /** Milliseconds for which nothing is assigned, not even no partition; 0 when it has joined. */
  get outMs(): number {
    return this.hasJoined ? 0 : this.#clock.monotonicMs() - this.#outSinceMs;
  }

  get hasJoined(): boolean {
    return this.#assignment !== undefined;
  }

  /** Joins and consumes; resolves when the life is over, with what ended it (undefined after `stop`). */
  async run(): Promise<Error | undefined> {
    this.#consume().catch((error: unknown) => this.#end(toError(error)));
    await aborted(this.#over.signal);
    await endConsumer(this.#consumer, this.#clock, this.#log);
    return this.#crash === undefined ? undefined : kafkaError(this.#crash, 'kafka consumer');
  }

  async #consume(): Promise<void> {
    const { topics } = this.#options;
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...topics] });
    if (this.#isQuiet || this.#over.signal.aborted) return;
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 8, // every fetch wakes them all
      eachBatch: (payload) => this.#take(payload),
    });
  }

  /** Nothing is fetched any more; the membership stays. */
  quiesce(): void {
    this.#isQuiet = true;
    for (const { topic, partition } of this.#assignment?.positions ?? []) this.pause(topic, partition);
  }

  /** Settles what is in flight, leaves the group. Ends by itself when aborted. */
  async stop(signal: AbortSignal): Promise<void> {
    this.quiesce();
    if (this.#assignment?.isCurrent) await this.#settle(signal);
    this.#endAssignment();
    await Promise.race([endConsumer(this.#consumer, this.#clock, this.#log), aborted(signal)]);
    this.#end(undefined);
  }

  /** Ends this life, as a crash would; what is in flight is settled first, as far as that works. */
  async fail(error: Error): Promise<void> {
    this.quiesce();
    if (this.#assignment?.isCurrent) await this.#settle(undefined);
    this.#end(error);
  }

  pause(topic: string, partition: number): void {
    this.#paused.set(`${topic}/${partition}`, { topic, partition });
    this.#tell(() => this.#consumer.pause([{ topic, partitions: [partition] }]));
  }

  resume(topic: string, partition: number): void {
    if (this.#isQuiet || !this.#paused.delete(`${topic}/${partition}`)) return;
    this.#tell(() => this.#consumer.resume([{ topic, partitions: [partition] }]));
  }

  /** The next fetch of the partition begins at `nextOffset`. */
  goOnAt(topic: string, partition: number, nextOffset: number): void {
    if (this.#assignment?.isCurrent !== true) return;
    this.#group?.offsetManager?.resolveOffset({ topic, partition, offset: String(nextOffset - 1) });
  }

  async #take({ batch }: EachBatchPayload): Promise<void> {
    const fetched = batch as unknown as FetchedBatch;
    const assignment = this.#assignment;
    if (assignment === undefined || fetched.assignment !== assignment) return;
    if (!this.#isQuiet && !assignment.ending.aborted) await this.#owner.take(fetched);
  }

  #hooks(): GroupHooks {
    return {
      beforeJoin: (group) => this.#beforeJoin(group),
      afterSync: (group) => this.#afterSync(group),
      pauseBeforeRejoin: async (failures) => {
        if (this.#isQuiet || this.#over.signal.aborted || failures > 5) return false;
        await this.#clock.sleep(200 * 2 ** failures, this.#over.signal);
        return !this.#over.signal.aborted;
      },
      currentAssignment: () => this.#assignment,
      freeBytes: () => this.#owner.freeBytes,
      // A heartbeat or a commit of ours may have heard of it before kafkajs does.
      mustRejoin: () => !this.#isQuiet && this.#assignment?.ending.aborted !== false,
      fetched: (outcome) => {
        if (outcome === 'answered') this.#lastFetchMs = this.#clock.monotonicMs();
      },
      outOfRange: (group, topic, partition) => this.#outOfRange(group, topic, partition),
    };
  }

  async #beforeJoin(group: ConsumerGroup): Promise<void> {
    if (this.#group === undefined) void this.#beat();
    this.#group = group;
    const assignment = this.#assignment;
    if (assignment === undefined) return;
    assignment.close();
    // Without a member id the coordinator has given the partitions away: there is nothing to settle.
    if (group.memberId !== null && assignment.isCurrent) {
      await this.#settle(undefined);
    }
    this.#endAssignment();
  }

  async #afterSync(group: ConsumerGroup): Promise<void> {
    if (this.#isQuiet || this.#over.signal.aborted)
      throw new SpanweirError('STOPPING', 'the consumer is stopping');
    // The coordinator counts from the join; nothing beats the heart until the positions are known.
    const joinedMs = this.#clock.monotonicMs();
    const { positions, fresh } = await readPositions(group, this.#options.beginsAt);
    const assignment = new Assignment(group, positions, {
      onFenced: () => this.#endAssignment(),
      isInTouch: () => this.#isInTouch(),
    });
    // Without this a restart would begin at a newer end of the log, behind records that were never settled.
    const outcomes = await Promise.all(
      fresh.map(({ topic, partition, offset }) => assignment.commit(topic, partition, offset)),
    );
    if (outcomes.includes('fenced')) throw new SpanweirError('FENCED', 'the group moved on');
    // kafkajs keeps a partition paused beyond the assignment under which it was.
    for (const { topic, partition } of this.#paused.values()) this.resume(topic, partition);
    this.#assignment = assignment;
    this.#lastFetchMs = this.#clock.monotonicMs();
    this.#lastBeatMs = joinedMs;
    this.#owner.assigned(assignment);
  }

  async #outOfRange(group: ConsumerGroup, topic: string, partition: number): Promise<void> {
    const assignment = this.#assignment;
    const asked = [{ topic, partitions: [{ partition }] }];
    const [position] = await logPositions(group, asked, this.#options.beginsAt);
    if (position === undefined || assignment === undefined || assignment !== this.#assignment) return;
    this.goOnAt(topic, partition, position.offset);
    if (this.#owner.moved(position)) await assignment.commit(topic, partition, position.offset);
  }

  async #settle(signal: AbortSignal | undefined): Promise<void> {
    const bound = new AbortController();
    setMaxListeners(0, bound.signal);
    const stop = (): void => bound.abort();
    signal?.addEventListener('abort', stop, { once: true });
    if (signal === undefined) {
      // Well under the session timeout, so that a member that can't settle is not taken for dead.
      void this.#clock.sleep(this.#options.sessionTimeoutMs / 2, bound.signal).then(stop);
    } else if (signal.aborted) stop();
    try {
      await this.#owner.settle(bound.signal);
    } catch (error) {
      this.#log.warn({ err: toError(error) }, 'work in flight could not be settled');
    }
    stop();
    signal?.removeEventListener('abort', stop);
  }

  /**
   * The coordinator counts from the moment in which a heartbeat reached it. kafkajs may have sent the last one up to
   * an interval before it told us so.
   */
  #isInTouch(): boolean {
    const { heartbeatIntervalMs, sessionTimeoutMs } = this.#options;
    return this.#clock.monotonicMs() - this.#lastBeatMs < sessionTimeoutMs - heartbeatIntervalMs;
  }

  #endAssignment(): void {
    const assignment = this.#assignment;
    if (assignment === undefined) return;
    this.#assignment = undefined;
    this.#outSinceMs = this.#clock.monotonicMs();
    assignment.end();
    this.#owner.drop();
  }

  /**
   * Heartbeats of our own: kafkajs sends them between batches only, by the wall clock, and may answer with one
   * that it sent before the process was stopped. An error is found by it again, and handled.
   */
  async #beat(): Promise<void> {
    const { heartbeatIntervalMs } = this.#options;
    while (!this.#over.signal.aborted) {
      await this.#clock.sleep(heartbeatIntervalMs / 2, this.#over.signal);
      const assignment = this.#assignment;
      if (assignment === undefined || this.#over.signal.aborted) continue;
      try {
        const sentMs = this.#clock.monotonicMs();
        await assignment.heartbeat();
        if (assignment === this.#assignment) this.#lastBeatMs = sentMs;
      } catch (error) {
        if (isRebalance(error)) assignment.close();
      }
    }
  }

  #end(error: Error | undefined): void {
    if (this.#over.signal.aborted) return;
    this.#crash = error;
    this.#over.abort();
    this.#endAssignment();
  }

  /** kafkajs refuses to pause and resume between two joins; then there is nothing to do either. */
  #tell(command: () => void): void {
    try {
      command();
    } catch (error) {
      this.#log.debug({ err: toError(error) }, 'consumer is between two joins');
    }
  }
}

/** An assigner that carries the hooks to its ConsumerGroup. */
function withHooks(hooks: GroupHooks, assigner?: PartitionAssigner): PartitionAssigner {
  return (config) => Object.assign((assigner ?? kafkaJs().PartitionAssigners.roundRobin)(config), { hooks });
}
