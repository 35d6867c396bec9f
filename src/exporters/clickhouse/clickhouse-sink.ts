import { SpanweirError, toError } from '../../base/errors.ts';
import { isBroken, pass } from '../../base/failpoints.ts';
import type { Counter } from '../../base/instruments.ts';
import { BlockBuffers, BlockEncoder, type EncodedInsert } from '../../clickhouse/block-encoder.ts';
import { blockParts, logParts, type PartFamily } from '../../clickhouse/block-parts.ts';
import type { ClickHouse } from '../../clickhouse/client.ts';
import { storedBlocks } from '../../clickhouse/stored-blocks.ts';
import { type Block, insertToken, type LogPartition, type StoredRange } from '../../flow/block.ts';
import type { BlockSink, LaneContext, SinkInputs } from '../../flow/lane.ts';
import { BlockProver } from './block-prover.ts';
import type { ClickHouseExporterConfig } from './config.ts';
import { assertMayBegin, Inserter, isFinal } from './inserter.ts';
import { SlotPool } from './slot-pool.ts';

/** What senders of requests are told to wait when ClickHouse does not take their spans. */
const RETRY_AFTER_MS = 2_000;

/**
 * The lane half: a block becomes one insert per table and, when those are durable, one into ingest_log. Each
 * is repeated with the same bytes and the same token until its outcome is known. At most
 * `concurrent_inserts` blocks are encoded or on their way at once.
 *
 * A token proves that a block is there as long as the server lives. So a block from Kafka is believed only if it
 * was never tried before and every insert was taken at once; any other is looked for in all tables (BlockProver).
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

  /** 0 = no limit. */
  #limitMs(block: Block): number {
    return block.origin.kind === 'request'
      ? this.#config.request_timeout
      : this.#config.retry_on_failure.max_elapsed_time;
  }

  async #writeUntil(block: Block, giveUp: AbortController): Promise<void> {
    const slot = await this.#slots.take(giveUp.signal);
    try {
      const { data, log, totals } = this.#encoder.encode(block, slot);
      const { origin } = block;
      const { signal } = giveUp;
      if (log !== undefined && isBroken('log_row_before_data')) await this.#insert(log, block, signal);
      let isSure = await this.#insertAll(data, block, giveUp);
      if (origin.kind === 'kafka' && origin.isReformed) isSure = !this.effectOnce;
      if (!isSure) await this.#prove(block, data, blockParts(block, this.#inputs), signal);
      if (log === undefined) return;
      if (!(await this.#insert(log, block, signal))) isSure = false;
      if (!isSure && origin.kind === 'kafka')
        await this.#prove(block, [log], [logParts(totals, origin)], signal);
    } finally {
      this.#slots.give(slot);
    }
  }

  /** True when all were taken at the first attempt. */
  async #insertAll(
    inserts: readonly EncodedInsert[],
    block: Block,
    giveUp: AbortController,
  ): Promise<boolean> {
    let answered = 0;
    // All of them, even after one failed: until then the buffers are being read.
    const outcomes = await Promise.allSettled(
      inserts.map(async (insert) => {
        const isSure = await this.#insert(insert, block, giveUp.signal).catch((error) => fail(error, giveUp));
        if (answered++ === 0 && inserts.length > 1) pass('between_tables');
        return isSure;
      }),
    );
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason);
    // What is final is why the others were given up.
    if (failed.length > 0) throw failed.find(isFinal) ?? failed[0];
    return outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value);
  }

  async #insert(insert: EncodedInsert, block: Block, signal: AbortSignal): Promise<boolean> {
    if (this.#isProvable(block)) return (await this.#inserter.insert(insert, block, signal)) === 1;
    await this.#inserter.insertAtLeastOnce(insert, block, signal);
    return true;
  }

  /** Its rows say which block they are of, and no later block of the partition is there yet. */
  #isProvable(block: Block): boolean {
    return block.origin.kind === 'kafka' && this.effectOnce;
  }

  async #prove(
    block: Block,
    inserts: readonly EncodedInsert[],
    families: readonly PartFamily[],
    signal: AbortSignal,
  ): Promise<void> {
    const { origin } = block;
    if (origin.kind !== 'kafka' || isBroken('no_check_after_lost_connection')) return;
    const mayBegin = (): void => assertMayBegin(block);
    const about = { table: 'all tables', token: insertToken('check', origin) };
    await this.#inserter.until(
      () => this.#prover.prove({ origin, inserts, families, mayBegin, signal }),
      signal,
      about,
    );
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

/** What fails for good in one table makes the block fail, so the others need not be waited for. */
function fail(error: unknown, giveUp: AbortController): never {
  if (isFinal(error)) giveUp.abort();
  throw error;
}
