import { setMaxListeners } from 'node:events';
import { aborted } from '../../../base/aborted.ts';
import type { ComponentContext, Deadline } from '../../../base/component.ts';
import { SpanweirError, toError } from '../../../base/errors.ts';
import type { HealthReporter } from '../../../base/instruments.ts';
import type { KafkaClient } from '../../../kafka/client.ts';
import { LogReader } from '../../../kafka/log-reader.ts';
import { TransactionalWriter } from '../../../kafka/transactional-writer.ts';
import { jittered } from '../../../sampling/jitter.ts';
import type { StrategySnapshot } from '../../../sampling/strategies/snapshot.ts';
import type { StrategyProvider } from '../strategy-provider.ts';
import { type ControlTopicConfig, TAKEOVER_MS } from './config.ts';
import { controlKafka, ensureControlTopic, namesOf } from './control-topic.ts';
import { instrumentsOf } from './instruments.ts';
import { Membership } from './membership.ts';
import { PartsHealth } from './parts-health.ts';
import { type Deciding, isFenced, type Publish, Reign, type ReignNews } from './reign.ts';
import { TopicFollower } from './topic-follower.ts';

export interface ReplicatedDeps<D extends Deciding> {
  readonly config: ControlTopicConfig;
  /** Tells this replica from all others, also from an earlier life of its own. */
  readonly self: string;
  readonly roundEveryMs: number;
  /** Whoever decides for all; made anew for each reign. */
  readonly createDeciding: (office: Office) => D;
  readonly context: Pick<ComponentContext, 'clock' | 'random' | 'log' | 'instruments' | 'health'>;
}

/** What one that decides is given. */
export interface Office {
  readonly publish: Publish;
  /** Of the store that it reads and writes. */
  readonly health: HealthReporter;
}

/** How long the start waits for a first version. */
const START_WAIT_MS = 10_000;
const TOPICS_RETRY_MS = 5000;
const LOOK_MS = 1000;
/** Brokers that do not answer for so long are told as health, and so is a group that is not joined. */
const SILENCE_MS = 5000;
const REIGN_RETRY_MS = 200;
const MAX_REIGN_RETRY_MS = 10_000;

/**
 * One of several replicas that serve the same: whatever the control topic says, whole versions only. The one that the
 * group has chosen decides and writes; what it serves itself is what it reads, like all others.
 */
export class ReplicatedProvider<D extends Deciding> implements StrategyProvider {
  readonly #deps: ReplicatedDeps<D>;
  readonly #count: ReturnType<typeof instrumentsOf>;
  readonly #health: PartsHealth;
  readonly #stopping = new AbortController();
  readonly #first = firstNews();
  #membership: Membership | undefined;
  #work: Promise<unknown> | undefined;
  #snapshot: StrategySnapshot | undefined;
  #deciding: D | undefined;
  #reign: AbortController | undefined;
  #wake: () => void = () => {};

  constructor(deps: ReplicatedDeps<D>) {
    this.#deps = deps;
    this.#count = instrumentsOf(deps.context.instruments);
    this.#health = new PartsHealth(deps.context.health);
    setMaxListeners(0, this.#stopping.signal);
  }

  /** @throws SpanweirError UNAVAILABLE while no version is known: nobody is to be told defaults then. */
  get snapshot(): StrategySnapshot {
    if (this.#snapshot !== undefined) return this.#snapshot;
    const message = 'the control topic has not told yet what to serve';
    throw new SpanweirError('UNAVAILABLE', message, { retry: 'backoff' });
  }

  /** Of the reign in hand; undefined at a replica that does not decide. */
  get deciding(): D | undefined {
    return this.#deciding;
  }

  /** Rejects when the topics are of no use; brokers that are away are waited for behind the start. */
  async start(): Promise<void> {
    const { config, context } = this.#deps;
    const kafka = await controlKafka(config, context);
    this.#work = this.#run(kafka);
    const patience = new AbortController();
    const waited = context.clock.sleep(START_WAIT_MS, patience.signal);
    await Promise.race([this.#first.promise, waited]).finally(() => patience.abort());
  }

  /** Leaves the group at once, so that another one is chosen; what is being written is cut short by that one. */
  async stop(deadline: Deadline): Promise<void> {
    this.#stopping.abort();
    this.#reign?.abort();
    const ended = Promise.all([this.#membership?.stop(deadline), this.#work]);
    await Promise.race([ended, aborted(deadline.signal)]);
  }

  async #run(kafka: KafkaClient): Promise<void> {
    const { signal } = this.#stopping;
    await this.#awaitTopics(kafka, signal);
    if (signal.aborted) return;
    const { config, context } = this.#deps;
    const { topic, groupId } = namesOf(config);
    const follower = new TopicFollower({
      topic,
      open: () => LogReader.open(kafka),
      context,
      onVersion: (snapshot) => this.#serve(snapshot),
      onTrouble: (action) => this.#count.errors[action].add(1),
    });
    const membership = new Membership({
      kafka,
      topic,
      groupId,
      sessionTimeoutMs: config.session_timeout - TAKEOVER_MS,
      context,
      decided: () => this.#decided(),
    });
    this.#membership = membership;
    membership.start();
    const parts = { kafka, follower, membership };
    await Promise.all([follower.run(signal), this.#look(parts, signal), this.#govern(parts, signal)]);
  }

  async #awaitTopics(kafka: KafkaClient, signal: AbortSignal): Promise<void> {
    const { config, context } = this.#deps;
    while (!signal.aborted) {
      try {
        await ensureControlTopic(kafka, config, context);
        return this.#health.set('topics', undefined);
      } catch (error) {
        const { message } = toError(error);
        const isRefused = error instanceof SpanweirError && error.code === 'REFUSED';
        context.log.warn({ err: toError(error) }, 'the control topic is of no use yet');
        this.#health.set('topics', message, isRefused ? 'broken' : 'recoverable');
        if (isRefused) this.#first.reject(error);
        await context.clock.sleep(TOPICS_RETRY_MS, signal);
      }
    }
  }

  #serve(snapshot: StrategySnapshot): void {
    // Of a topic that was made anew: the controller goes on from what the store says, and will be beyond.
    if (snapshot.version < (this.#snapshot?.version ?? 0)) {
      this.#count.errors.backwards.add(1);
      return;
    }
    this.#snapshot = snapshot;
    this.#count.version.set(snapshot.version);
    this.#first.resolve();
  }

  #decided(): void {
    if (this.#membership?.isFollower === true) {
      this.#reign?.abort();
      this.#health.set('office', undefined);
    }
    this.#wake();
  }

  /** One reign after the other, whenever it is this replica's turn. */
  async #govern(parts: Parts, signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#deps.context;
    for (let failures = 0; !signal.aborted; ) {
      while (!parts.membership.mayDecide() && !signal.aborted) {
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        await Promise.race([woken, clock.sleep(LOOK_MS, signal)]);
      }
      if (signal.aborted) return;
      const beganMs = clock.monotonicMs();
      try {
        await this.#rule(parts);
        failures = 0;
      } catch (error) {
        failures = clock.monotonicMs() - beganMs > 60_000 ? 1 : failures + 1;
        if (!isFenced(error)) this.#health.set('office', toError(error).message);
        log.warn({ err: toError(error) }, 'this replica does not decide any more');
        const waitMs = Math.min(MAX_REIGN_RETRY_MS, REIGN_RETRY_MS * 2 ** (failures - 1));
        await clock.sleep(jittered(waitMs, random), signal);
      }
    }
  }

  async #rule({ kafka, follower, membership }: Parts): Promise<void> {
    const { config, context, self, roundEveryMs, createDeciding } = this.#deps;
    const { topic, groupId: transactionalId } = namesOf(config);
    const over = new AbortController();
    setMaxListeners(0, over.signal);
    this.#reign = over;
    const reign = new Reign({
      follower,
      openWriter: () =>
        TransactionalWriter.open(kafka, { topic, transactionalId, timeoutMs: TRANSACTION_TIMEOUT_MS }),
      createDeciding: (publish) => {
        const deciding = createDeciding({ publish, health: this.#health.reporterOf('store') });
        this.#deciding = deciding;
        return deciding;
      },
      mayDecide: () => membership.mayDecide(),
      servedVersion: () => this.#snapshot?.version ?? 0,
      roundEveryMs,
      self,
      context,
      news: this.#news(),
    });
    try {
      await reign.run(over.signal);
    } finally {
      over.abort();
      this.#reign = undefined;
      this.#deciding = undefined;
      this.#count.controller.set(0);
      this.#health.set('store', undefined);
    }
  }

  #news(): ReignNews {
    return {
      began: (took) => {
        this.#count.controller.set(1);
        this.#count.reigns.add(1);
        this.#health.set('office', undefined);
        const version = this.#snapshot?.version ?? 0;
        this.#deps.context.log.info({ version, ...took }, 'this replica decides for all now');
      },
      wrote: (outcome) => this.#count.transactions[outcome].add(1),
      storeAway: (error) => {
        const message = 'could not read stored probabilities';
        this.#health.set('store', error && `${message}: ${error.message}`);
      },
    };
  }

  /** Gauges and health, once a second. */
  async #look({ follower, membership }: Parts, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps.context;
    for (let outMs = clock.monotonicMs(); !signal.aborted; await clock.sleep(LOOK_MS, signal)) {
      const snapshot = this.#snapshot;
      const { silentMs } = follower;
      this.#count.silence.set(silentMs / 1000);
      if (snapshot !== undefined) this.#count.age.set((clock.wallMs() - snapshot.madeAtMs) / 1000);
      const serving =
        snapshot === undefined ? 'nothing is served' : `version ${snapshot.version} goes on being served`;
      const trouble =
        silentMs > SILENCE_MS ? 'the brokers of the control topic do not answer' : follower.trouble;
      this.#health.set('topic', trouble && `${trouble}: ${serving}`);
      if (membership.trouble === undefined) outMs = clock.monotonicMs();
      const isOut = clock.monotonicMs() - outMs > SILENCE_MS;
      this.#health.set('group', isOut ? membership.trouble : undefined);
    }
  }
}

interface Parts {
  readonly kafka: KafkaClient;
  readonly follower: TopicFollower;
  readonly membership: Membership;
}

/** A next writer aborts what is open at once; this is for when there is none. */
const TRANSACTION_TIMEOUT_MS = 10_000;

function firstNews() {
  let resolve: () => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<void>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
