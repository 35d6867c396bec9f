import { SpanweirError, toError } from '../../base/errors.ts';
import { isBroken, pass } from '../../base/failpoints.ts';
import type { Counter } from '../../base/instruments.ts';
import {
  BlockBuffers,
  BlockEncoder,
  type EncodedBlock,
  type EncodedInsert,
  TABLES,
} from '../../clickhouse/block-encoder.ts';
import { blockParts, logParts, type PartFamily } from '../../clickhouse/block-parts.ts';
import type { ClickHouse } from '../../clickhouse/client.ts';
import { type DropCount, dropCount, hasDroppedNothing } from '../../clickhouse/dropped-inserts.ts';
import { storedBlocks } from '../../clickhouse/stored-blocks.ts';
import {
  type Block,
  insertToken,
  type KafkaOrigin,
  type LogPartition,
  type StoredRange,
} from '../../flow/block.ts';
import type { BlockSink, LaneContext, SinkInputs } from '../../flow/lane.ts';
import { BlockProver, type Claim } from './block-prover.ts';
import type { ClickHouseExporterConfig } from './config.ts';
import { assertMayBegin, Inserter, isFinal } from './inserter.ts';
import { SharedAnswer } from './shared-answer.ts';
import { SlotPool } from './slot-pool.ts';

/** What senders of requests are told to wait when ClickHouse does not take their spans. */
const RETRY_AFTER_MS = 2_000;

/**
 * The lane half: a block becomes one insert per table and, when those are durable, one into ingest_log. Each
 * is repeated with the same bytes and the same token until its outcome is known. At most
 * `concurrent_inserts` blocks are encoded or on their way at once.
 *
 * A token proves that a block is there as long as the server lives. So a block from Kafka is believed only if
 * every insert was taken at once, and it was never tried before or nothing that was sent to the server meanwhile
 * was dropped as known; any other is looked for in all tables (BlockProver).
 */
export class ClickHouseSink implements BlockSink {
  readonly id: string;
  readonly durable = true;
  readonly effectOnce: boolean;
  readonly blockWish: BlockSink['blockWish'];
  readonly #config: ClickHouseExporterConfig;
  readonly #client: ClickHouse;
  readonly #context: LaneContext;
  readonly #encoder: BlockEncoder;
  readonly #slots: SlotPool<BlockBuffers>;
  readonly #inputs: SinkInputs;
  readonly #inserter: Inserter;
  readonly #prover: BlockProver;
  readonly #tried = new WeakSet<Block>();
  /** Blocks of many partitions are written side by side. */
  readonly #dropCount: SharedAnswer<DropCount | undefined>;
  readonly #refusedSpans: Counter;
  #feels = 'ok';

  constructor(
    config: ClickHouseExporterConfig,
    client: ClickHouse,
    { context, inputs }: { readonly context: LaneContext; readonly inputs: SinkInputs },
  ) {
    this.id = context.id;
    this.#config = config;
    this.effectOnce = config.effect_once;
    this.#client = client;
    this.#context = context;
    this.blockWish = { spans: config.block.spans, lingerMs: config.block.linger };
    this.#encoder = new BlockEncoder(context.dictionary, inputs);
    this.#slots = new SlotPool(config.concurrent_inserts, () => new BlockBuffers());
    this.#inputs = inputs;
    this.#inserter = new Inserter(client, config, {
      ...context,
      feel: (status, reason) => this.#feel(status, reason),
    });
    this.#prover = new BlockProver(client, context);
    this.#dropCount = new SharedAnswer(() => dropCount(client));
    this.#refusedSpans = context.instruments.counter('spanweir_clickhouse_refused_spans_total', {
      exporter: context.id,
    });
  }

  async start(): Promise<void> {
    this.#context.health.report('ok');
  }

  async stop(): Promise<void> {
    await this.#client.close();
    this.#context.health.report('stopped');
  }

  async stored(source: LogPartition, fromOffset: number): Promise<StoredRange[]> {
    return await storedBlocks(this.#client, source, fromOffset);
  }

  async write(block: Block, signal: AbortSignal): Promise<void> {
    const limitMs = this.#limitMs(block);
    const giveUp = new AbortController();
    const done = new AbortController();
    const abort = (): void => giveUp.abort();
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    if (limitMs > 0) void this.#context.clock.sleep(limitMs, done.signal).then(abort);
    try {
      await this.#writeUntil(block, giveUp);
    } catch (error) {
      throw this.#verdict(block, toError(error), signal);
    } finally {
      done.abort();
      signal.removeEventListener('abort', abort);
    }
  }

  /** Keeper notes a token together with the part: then an answer to the same insert proves that the part is there. */
  get #isReplicated(): boolean {
    return this.#config.cluster?.replicated === true;
  }

  /** 0 = no limit. */
  #limitMs(block: Block): number {
    return block.origin.kind === 'request'
      ? this.#config.request_timeout
      : this.#config.retry_on_failure.max_elapsed_time;
  }

  async #writeUntil(block: Block, giveUp: AbortController): Promise<void> {
    const slot = await this.#slots.take(giveUp.signal);
    try {
      const encoded = this.#encoder.encode(block, slot);
      const { origin } = block;
      if (origin.kind === 'kafka' && this.effectOnce) await this.#writeOnce(block, origin, encoded, giveUp);
      else await this.#writeAtLeastOnce(block, encoded, giveUp);
    } finally {
      this.#slots.give(slot);
    }
  }

  async #writeOnce(
    block: Block,
    origin: KafkaOrigin,
    { data, log, totals }: EncodedBlock,
    giveUp: AbortController,
  ): Promise<void> {
    const { signal } = giveUp;
    const insert = async (one: EncodedInsert): Promise<boolean> =>
      (await this.#inserter.insert(one, block, signal)) === 1;
    const inLog = logParts(totals);
    // The data path comes again with the same block when a write was given up: how far that got is not known.
    const isRepeated = origin.mayBeStored || this.#tried.has(block);
    this.#tried.add(block);
    if (isRepeated && (await this.#isLogged(block, origin, inLog, signal))) return;
    const isPlaced = isRepeated && !this.#isReplicated ? await this.#watchDrops() : async () => true;
    if (log !== undefined && isBroken('log_row_before_data')) await insert(log);
    let isSure = (await insertAll(data, insert, giveUp)) && (await isPlaced());
    const prove = async (
      inserts: readonly EncodedInsert[],
      families: () => readonly PartFamily[],
    ): Promise<void> => {
      if (!isSure) await this.#prove(block, { origin, inserts, families: families(), signal });
    };
    await prove(data, () => blockParts(block, this.#inputs));
    if (log === undefined) return;
    isSure = (await insert(log)) && isSure && (await isPlaced());
    await prove([log], () => [inLog]);
  }

  async #writeAtLeastOnce(block: Block, { data, log }: EncodedBlock, giveUp: AbortController): Promise<void> {
    const insert = (one: EncodedInsert): Promise<void> =>
      this.#inserter.insertAtLeastOnce(one, block, giveUp.signal);
    await insertAll(data, insert, giveUp);
    if (log !== undefined) await insert(log);
  }

  /**
   * What this resolves with tells at each call whether all that was answered with success since the call before was
   * put in place, none of it dropped for a token that is known. Doubt counts as no.
   */
  async #watchDrops(): Promise<() => Promise<boolean>> {
    const count = (): Promise<DropCount | undefined> => this.#dropCount.get().catch(() => undefined);
    let before = await count();
    return async () => {
      const after = await count();
      const isPlaced = hasDroppedNothing(before, after);
      before = after;
      return isPlaced;
    };
  }

  async #isLogged(
    block: Block,
    origin: KafkaOrigin,
    inLog: PartFamily,
    signal: AbortSignal,
  ): Promise<boolean> {
    let isLogged = false;
    const ask = async (): Promise<void> => {
      assertMayBegin(block);
      isLogged = await this.#prover.isLogged(origin, inLog);
    };
    await this.#inserter.until(ask, signal, { table: TABLES.ingestLog, token: insertToken('check', origin) });
    return isLogged;
  }

  async #prove(block: Block, claim: Omit<Claim, 'mayBegin'>): Promise<void> {
    if (isBroken('no_check_after_lost_connection')) return;
    if (this.#isReplicated) return;
    const mayBegin = (): void => assertMayBegin(block);
    await this.#inserter.until(() => this.#prover.prove({ ...claim, mayBegin }), claim.signal, {
      table: claim.families.map(({ table }) => table).join(', '),
      token: insertToken('check', claim.origin),
    });
  }

  #feel(status: 'ok' | 'recoverable', reason?: string): void {
    const feels = reason ?? status;
    if (feels === this.#feels) return;
    this.#feels = feels;
    this.#context.health.report(status, reason);
  }

  #verdict(block: Block, error: Error, signal: AbortSignal): Error {
    if (isRefused(error)) {
      this.#refusedSpans.add(block.batch.spans);
      this.#context.log.error(
        { err: error, origin: block.origin, spans: block.batch.spans },
        'ClickHouse refuses this block for good',
      );
      return error;
    }
    if (isFinal(error)) return error;
    if (signal.aborted) return new SpanweirError('STOPPING', 'the block was given up', { cause: error });
    return new SpanweirError('UNAVAILABLE', `ClickHouse does not take spans: ${error.message}`, {
      retry: 'backoff',
      retryAfterMs: RETRY_AFTER_MS,
      cause: error,
    });
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof SpanweirError && error.code === 'REFUSED';
}

/** All of them, even after one failed: until then the buffers are being read. True when all answers are. */
async function insertAll<T>(
  inserts: readonly EncodedInsert[],
  insert: (one: EncodedInsert) => Promise<T>,
  giveUp: AbortController,
): Promise<boolean> {
  let answered = 0;
  const outcomes = await Promise.allSettled(
    inserts.map(async (one) => {
      const answer = await insert(one).catch((error) => fail(error, giveUp));
      if (answered++ === 0 && inserts.length > 1) pass('between_tables');
      return answer;
    }),
  );
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason);
  // What is final is why the others were given up.
  if (failed.length > 0) throw failed.find(isFinal) ?? failed[0];
  return outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value);
}

/** What fails for good in one table makes the block fail, so the others need not be waited for. */
function fail(error: unknown, giveUp: AbortController): never {
  if (isFinal(error)) giveUp.abort();
  throw error;
}
