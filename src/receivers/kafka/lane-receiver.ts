import { setMaxListeners } from 'node:events';
import { aborted } from '../../base/aborted.ts';
import type { Deadline } from '../../base/component.ts';
import { SpanweirError } from '../../base/errors.ts';
import type { Intake, PartitionIntake } from '../../flow/intake.ts';
import type { LaneContext, LaneReceiver, Stall } from '../../flow/lane.ts';
import type { PartitionProgress } from '../../flow/lane-progress.ts';
import type { Assignment } from '../../kafka/assignment.ts';
import { createKafka, type KafkaClient } from '../../kafka/client.ts';
import { kafkaError } from '../../kafka/errors.ts';
import type { FetchedBatch } from '../../kafka/fetched-batch.ts';
import { GroupMember } from '../../kafka/group-member.ts';
import type { GroupOwner } from '../../kafka/group-owner.ts';
import type { Position } from '../../kafka/positions.ts';
import { encodingOf, type KafkaReceiverConfig, topicRule } from './config.ts';
import { type Counters, countersOf } from './counters.ts';
import { openDeadLetters } from './dead-letter-places.ts';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';
import { groupOptions } from './group-options.ts';
import { type FeedDeps, PartitionFeed } from './partition-feed.ts';
import { progressOf, stallOf, stuckOf } from './stall.ts';
import { Standing } from './standing.ts';
import { lookAround, watchLag } from './surroundings.ts';
import { hasPattern, type TopicChoice } from './topics.ts';

const TICK_MS = 500;
const SILENCE_MS = 5000;
const MISSING_TOPIC_RETRY_MS = 5000;

export function createKafkaLaneReceiver(
  config: KafkaReceiverConfig,
  context: LaneContext,
  intake: Intake,
): LaneReceiver {
  return new KafkaLaneReceiver(config, context, intake);
}

/**
 * One lane's member of the consumer group. Lives as long as the lane: a crashed consumer, a missing topic or an
 * unreachable broker is waited out, told as health `recoverable`.
 */
class KafkaLaneReceiver implements LaneReceiver, GroupOwner {
  readonly id: string;
  readonly #config: KafkaReceiverConfig;
  readonly #context: LaneContext;
  readonly #sink: Intake;
  readonly #stopping = new AbortController();
  readonly #feeds = new Map<string, PartitionFeed>();
  readonly #counters: Counters;
  #kafka: KafkaClient | undefined;
  #deadLetters: DeadLetters | undefined;
  #member: GroupMember | undefined;
  #deps: FeedDeps | undefined;
  #assignment: Assignment | undefined;
  #isQuiet = false;
  /** Partitions by topic at the first look: what comes later is read from its beginning, whatever initial_offset says. */
  #firstSeen: ReadonlyMap<string, number> | undefined;
  readonly #standing: Standing;
  /** Dead letters that are being written. */
  #lettersOnTheirWay = 0;

  constructor(config: KafkaReceiverConfig, context: LaneContext, intake: Intake) {
    this.id = context.id;
    this.#config = config;
    this.#context = context;
    this.#sink = intake;
    this.#counters = countersOf(context);
    this.#standing = new Standing(context.health);
    setMaxListeners(0, this.#stopping.signal);
  }

  async start(): Promise<void> {
    this.#kafka = await createKafka(this.#config, this.#context);
    this.#deadLetters = openDeadLetters(this.#kafka, this.#config.dead_letter, this.#context, this.#counters);
    this.#context.health.report('starting');
    void this.#live(this.#kafka);
  }

  quiesce(): void {
    this.#isQuiet = true;
    this.#member?.quiesce();
  }

  async stop(deadline: Deadline): Promise<void> {
    this.quiesce();
    this.#stopping.abort();
    // What else a life still waits for is brokers that may never answer: it ends by itself when they do.
    await this.#member?.stop(deadline.signal);
    await Promise.race([this.#deadLetters?.stop(), aborted(deadline.signal)]);
    this.#context.health.report('stopped');
  }

  stalled(): Stall | undefined {
    const isAble = this.#member?.hasJoined === true && !this.#isQuiet && !this.#standing.isSilent;
    return stallOf(this.#feeds.values(), this.#deps?.clusterId, isAble && this.#lettersOnTheirWay === 0);
  }

  progress(nowMs: number): readonly PartitionProgress[] | undefined {
    const [member, deps] = [this.#member, this.#deps];
    if (member?.hasJoined !== true || deps === undefined) return undefined;
    return progressOf(this.#feeds.values(), deps.clusterId, nowMs - member.silentMs);
  }

  assigned(assignment: Assignment): void {
    this.#assignment = assignment;
    this.#standing.joined();
    this.#counters.rebalances.add(1);
    this.#counters.assigned.set(assignment.positions.length);
    for (const position of assignment.positions) this.#open(assignment, position);
    const { generationId, positions } = assignment;
    this.#context.log.info({ generationId, partitions: positions.length }, 'joined the consumer group');
  }

  async settle(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from(this.#feeds.values(), ({ intake }) => intake.drain(signal)));
  }

  drop(): void {
    for (const { intake, lag } of this.#feeds.values()) {
      intake.drop();
      lag?.set(0);
    }
    this.#feeds.clear();
    this.#assignment = undefined;
    this.#counters.assigned.set(0);
  }

  async take(batch: FetchedBatch): Promise<void> {
    await this.#feeds.get(`${batch.topic}/${batch.partition}`)?.take(batch);
  }

  moved(position: Position): boolean {
    const { topic, partition, offset } = position;
    const feed = this.#feeds.get(`${topic}/${partition}`);
    const assignment = this.#assignment;
    if (feed === undefined || assignment === undefined) return false;
    this.#counters.resets.add(1);
    this.#context.log.warn({ topic, partition, offset }, 'the position is not in the log any more: moved');
    return feed.moved(offset, () => this.#openIntake(assignment, position)) === 'back';
  }

  /** One consumer after the other, until the lane stops. */
  async #live(kafka: KafkaClient): Promise<void> {
    const { clock, log, health, random } = this.#context;
    for (let failures = 0; !this.#stopping.signal.aborted; ) {
      const beganMs = clock.monotonicMs();
      const error = await this.#oneLife(kafka).catch((thrown: unknown) =>
        kafkaError(thrown, 'kafka receiver'),
      );
      if (this.#stopping.signal.aborted) break;
      if (error === undefined) continue;
      failures = clock.monotonicMs() - beganMs > 60_000 ? 1 : failures + 1;
      const waitMs = Math.min(30_000, 500 * 2 ** (failures - 1)) * (0.5 + random() / 2);
      health.report('recoverable', error.message);
      log.warn({ err: error, waitMs: Math.round(waitMs) }, 'the consumer ended; starting it again');
      this.#counters.restarts.add(1);
      await clock.sleep(waitMs, this.#stopping.signal);
    }
  }

  get freeBytes(): number {
    return this.#sink.freeBytes;
  }

  /** From finding the topics to the end of a consumer; the error that ended it, if there was one. */
  async #oneLife(kafka: KafkaClient): Promise<Error | undefined> {
    const { clusterId, choice, partitions } = await lookAround(kafka, topicRule(this.#config));
    this.#firstSeen ??= partitions;
    if (this.#stopping.signal.aborted) return undefined;
    if (choice.topics.length === 0) return await this.#awaitTopics(choice);
    if (choice.missing.length > 0)
      this.#context.log.warn({ missing: choice.missing }, 'topics do not exist yet');
    await this.#deadLetters?.prepare();
    this.#deps = this.#feedDeps(clusterId);
    const member = new GroupMember(
      kafka,
      groupOptions(this.#config, choice.topics, this.#firstSeen),
      this,
      this.#context,
    );
    this.#member = member;
    const over = new AbortController();
    const watching = this.#watch(kafka, member, choice, over.signal);
    const counting = watchLag(kafka, this.#feeds, this.#context.clock, over.signal);
    const error = await member.run();
    over.abort();
    await Promise.all([watching, counting]);
    this.#member = undefined;
    return error;
  }

  async #awaitTopics(choice: TopicChoice): Promise<undefined> {
    const names = topicRule(this.#config).topics.join(', ');
    const reason =
      choice.missing.length > 0
        ? `topic ${choice.missing.join(', ')} does not exist`
        : `no topic matches ${names}`;
    this.#context.health.report('recoverable', reason);
    this.#context.log.warn({ topics: names }, `${reason}: waiting for it`);
    await this.#context.clock.sleep(MISSING_TOPIC_RETRY_MS, this.#stopping.signal);
    return undefined;
  }

  /** Tells silence as health, ends a stuck consumer, and notices topics that came or went. */
  async #watch(
    kafka: KafkaClient,
    member: GroupMember,
    choice: TopicChoice,
    over: AbortSignal,
  ): Promise<void> {
    const { clock, log } = this.#context;
    const isComplete = choice.missing.length === 0;
    const refreshMs = isComplete ? this.#config.metadata.refresh_interval : MISSING_TOPIC_RETRY_MS;
    const isChanging = !isComplete || hasPattern(topicRule(this.#config));
    let lookedMs = clock.monotonicMs();
    const silenceMs = SILENCE_MS + 2 * Math.max(this.#config.max_fetch_wait, this.#config.heartbeat_interval);
    while (!over.aborted) {
      await clock.sleep(TICK_MS, over);
      if (over.aborted || this.#isQuiet) continue;
      const stuck = stuckOf(member);
      if (stuck !== undefined)
        await member.fail(new SpanweirError('UNAVAILABLE', stuck, { retry: 'backoff' }));
      else if (member.hasJoined) this.#standing.silent(member.silentMs > silenceMs);
      if (!isChanging || clock.monotonicMs() - lookedMs < refreshMs) continue;
      lookedMs = clock.monotonicMs();
      const found = await lookAround(kafka, topicRule(this.#config)).catch(() => undefined);
      if (found === undefined || over.aborted || found.choice.topics.join() === choice.topics.join())
        continue;
      log.info({ topics: found.choice.topics }, 'topics came or went: joining again');
      const bound = new AbortController();
      void clock.sleep(this.#config.session_timeout / 2, over).then(() => bound.abort());
      await member.stop(bound.signal);
    }
  }

  #feedDeps(clusterId: string): FeedDeps {
    const { clock, log } = this.#context;
    const { extract_headers, headers } = this.#config.header_extraction;
    return {
      clock,
      log,
      clusterId,
      encoding: encodingOf(this.#config),
      headers: extract_headers ? headers : [],
      waiting: { count: 0 },
      isReforming: () => [...this.#feeds.values()].some(({ intake }) => intake.isReforming),
      putAside: (letter) => this.#putAside(letter),
      unreadable: (kind) => this.#counters.unreadable(kind).add(1),
      failed: (error) => void this.#member?.fail(error),
    };
  }

  #open(assignment: Assignment, position: Position): void {
    const deps = this.#deps;
    const member = this.#member;
    if (deps === undefined || member === undefined) return;
    const { topic, partition, offset } = position;
    const intake = this.#openIntake(assignment, position);
    if (intake.held !== undefined) this.#standing.holds(`${topic}/${partition} ${intake.held}`);
    const of = { assignment, member, lag: this.#counters.lag(topic, partition) };
    const feed = new PartitionFeed({ topic, partition, offset }, intake, of, deps);
    this.#feeds.set(`${topic}/${partition}`, feed);
  }

  #openIntake(assignment: Assignment, position: Position): PartitionIntake {
    const clusterId = this.#deps?.clusterId ?? '';
    const { topic, partition } = position;
    return this.#sink.openPartition({
      clusterId,
      topic,
      partition,
      revision: this.#context.revision,
      encoding: encodingOf(this.#config),
      position,
      mayBegin: () => assignment.mayBegin(),
      commit: async (nextOffset, metadata) => {
        const outcome = await assignment.commit(topic, partition, nextOffset, metadata);
        this.#feeds.get(`${topic}/${partition}`)?.hasMoved();
        return outcome;
      },
      quarantine: (record) => this.#putAside({ ...record, clusterId, topic, partition }),
      abandoned: (error) => {
        if (assignment.isCurrent) void this.#member?.fail(error);
      },
    });
  }

  async #putAside(letter: DeadLetter): Promise<void> {
    this.#lettersOnTheirWay += 1;
    try {
      await this.#deadLetters?.put(letter);
    } finally {
      this.#lettersOnTheirWay -= 1;
    }
    this.#counters.deadLetters(letter.reason).add(1);
  }
}
