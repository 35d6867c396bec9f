import { SpanweirError, toError } from '../../base/errors.ts';
import type { Counter } from '../../base/instruments.ts';
import { BlockBuffers, BlockEncoder, type EncodedInsert, TABLES } from '../../clickhouse/block-encoder.ts';
import type { ClickHouse } from '../../clickhouse/client.ts';
import type { Block } from '../../flow/block.ts';
import type { BlockSink, LaneContext, SinkInputs } from '../../flow/lane.ts';
import { retrying } from '../../flow/retry.ts';
import type { ClickHouseExporterConfig } from './config.ts';
import { createTableInstruments, type TableInstruments } from './insert-instruments.ts';
import { SlotPool } from './slot-pool.ts';

/** What senders of requests are told to wait when ClickHouse does not take their spans. */
const RETRY_AFTER_MS = 2_000;

/**
 * The lane half: a block becomes one insert per table and, when those are durable, one into ingest_log. Each
 * is repeated with the same bytes and the same token until its outcome is known. At most
 * `concurrent_inserts` blocks are encoded or on their way at once.
 *
 * A token proves that a block is there as long as the server lives. If the server is killed between noting
 * the token and putting the part in place, it takes the repetition for a duplicate: checking the tables after
 * such a crash, and repairing under a new attempt number, is not done here.
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
  readonly #tables: ReadonlyMap<string, TableInstruments>;
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
    this.#tables = createTableInstruments(context.instruments, context.id, Object.values(TABLES));
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
      const { data, log } = this.#encoder.encode(block, slot);
      // All of them, even after one failed: until then the buffers are being read.
      const outcomes = await Promise.allSettled(
        data.map((insert) => this.#insert(insert, giveUp.signal).catch((error) => fail(error, giveUp))),
      );
      const failed = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason);
      // A refusal is why the others were given up.
      if (failed.length > 0) throw failed.find(isRefused) ?? failed[0];
      if (log !== undefined) await this.#insert(log, giveUp.signal);
    } finally {
      this.#slots.give(slot);
    }
  }

  async #insert(insert: EncodedInsert, signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#context;
    const { retry_on_failure: retry } = this.#config;
    const table = this.#tables.get(insert.table);
    await retrying(() => this.#insertOnce(insert, signal), signal, {
      initialMs: retry.initial_interval,
      maxMs: retry.max_interval,
      clock,
      random,
      isFinal: (error) => {
        table?.failures.add(1);
        return isRefused(error) || !retry.enabled;
      },
      onFailure: (err, waitMs) => {
        // Not `token`: the log hides what is called that.
        log.warn(
          { err, table: insert.table, insertToken: insert.token, waitMs },
          'insert failed; trying again',
        );
        this.#feel('recoverable', toError(err).message);
      },
    });
  }

  async #insertOnce(insert: EncodedInsert, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const begun = clock.monotonicMs();
    await this.#client.insertNative(insert, insert.bytes, signal);
    const table = this.#tables.get(insert.table);
    table?.rows.add(insert.rows);
    table?.bytes.add(insert.bytes.length);
    table?.inserts.add(1);
    table?.seconds.add((clock.monotonicMs() - begun) / 1000);
    this.#feel('ok');
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

/** What one table refuses for good makes the block fail, so the others need not be waited for. */
function fail(error: unknown, giveUp: AbortController): never {
  if (isRefused(error)) giveUp.abort();
  throw error;
}
