import type { Clock } from '../../base/clock.ts';
import { SpanweirError, toError } from '../../base/errors.ts';
import type { Instruments, Log } from '../../base/instruments.ts';
import { type EncodedInsert, TABLES } from '../../clickhouse/block-encoder.ts';
import type { ClickHouse } from '../../clickhouse/client.ts';
import { mayHaveArrived } from '../../clickhouse/errors.ts';
import type { Block } from '../../flow/block.ts';
import { retrying } from '../../flow/retry.ts';
import type { ClickHouseExporterConfig } from './config.ts';
import { createTableInstruments, type TableInstruments } from './insert-instruments.ts';

export interface InserterContext {
  readonly id: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly instruments: Instruments;
  /** Told of each success and each failure that is not the last word. */
  readonly feel: (status: 'ok' | 'recoverable', reason?: string) => void;
}

/** Asks the block whether anything of it may still be sent; throws FENCED if not. */
export function assertMayBegin(block: Block): void {
  if (block.mayBegin()) return;
  throw new SpanweirError('FENCED', 'the block may be another owner’s by now');
}

/** Says that an error is the last word: the rows are refused, or no longer this process's business. */
export function isFinal(error: unknown): boolean {
  return error instanceof SpanweirError && (error.code === 'REFUSED' || error.code === 'FENCED');
}

/** Sends inserts, again and again until their outcome is known. */
export class Inserter {
  readonly #client: ClickHouse;
  readonly #retry: ClickHouseExporterConfig['retry_on_failure'];
  readonly #context: InserterContext;
  readonly #tables: ReadonlyMap<string, TableInstruments>;

  constructor(client: ClickHouse, config: ClickHouseExporterConfig, context: InserterContext) {
    this.#client = client;
    this.#retry = config.retry_on_failure;
    this.#context = context;
    this.#tables = createTableInstruments(context.instruments, context.id, Object.values(TABLES));
  }

  /**
   * The same bytes with the same token until they are taken. Resolves with how often they were sent: after more
   * than one time, success proves nothing unless the server has lived all the while.
   */
  async insert(insert: EncodedInsert, block: Block, signal: AbortSignal): Promise<number> {
    let attempts = 0;
    const send = async (): Promise<void> => {
      attempts++;
      await this.#send(insert, block, signal);
    };
    await this.until(send, signal, insert);
    return attempts;
  }

  /**
   * For blocks that nobody can look for afterwards. When the server has died since an attempt that it may have
   * begun, its token is worth nothing, and the rows are sent under another one: never lost, perhaps twice.
   */
  async insertAtLeastOnce(insert: EncodedInsert, block: Block, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#context;
    let life = 1;
    let inDoubtSinceMs: number | undefined;
    const send = async (): Promise<void> => {
      for (;;) {
        if (inDoubtSinceMs !== undefined && !(await this.#hasLivedSince(inDoubtSinceMs))) {
          life++;
          inDoubtSinceMs = undefined;
          log.warn(
            { table: insert.table, insertToken: insert.token, rows: insert.rows },
            'ClickHouse was started anew during an insert: it is made again, and may be there twice',
          );
        }
        const begunMs = clock.monotonicMs();
        try {
          const token = life === 1 ? insert.token : `${insert.token}:${life}`;
          await this.#send({ ...insert, token }, block, signal);
        } catch (error) {
          if (mayHaveArrived(error)) inDoubtSinceMs ??= begunMs;
          throw error;
        }
        if (inDoubtSinceMs === undefined || (await this.#hasLivedSince(inDoubtSinceMs))) return;
      }
    };
    await this.until(send, signal, insert);
  }

  /** Runs `attempt` until it succeeds, as the configuration says; `about` is what the log names. */
  async until(
    attempt: () => Promise<void>,
    signal: AbortSignal,
    about: Pick<EncodedInsert, 'table' | 'token'>,
  ): Promise<void> {
    const { clock, feel, log, random } = this.#context;
    await retrying(attempt, signal, {
      initialMs: this.#retry.initial_interval,
      maxMs: this.#retry.max_interval,
      clock,
      random,
      isFinal: (error) => {
        this.#tables.get(about.table)?.failures.add(1);
        return isFinal(error) || !this.#retry.enabled;
      },
      onFailure: (err, waitMs) => {
        // Not `token`: the log hides what is called that.
        log.warn(
          { err, table: about.table, insertToken: about.token, waitMs },
          'insert failed; trying again',
        );
        feel('recoverable', toError(err).message);
      },
    });
  }

  async #send(insert: EncodedInsert, block: Block, signal: AbortSignal): Promise<void> {
    const { clock, feel } = this.#context;
    const begunMs = clock.monotonicMs();
    assertMayBegin(block);
    await this.#client.insertNative(insert, insert.bytes, signal);
    const table = this.#tables.get(insert.table);
    table?.rows.add(insert.rows);
    table?.bytes.add(insert.bytes.length);
    table?.inserts.add(1);
    const seconds = (clock.monotonicMs() - begunMs) / 1000;
    table?.seconds.add(seconds);
    table?.duration.record(seconds);
    feel('ok');
  }

  /** Whether one and the same server process has been there from before that moment until now. */
  async #hasLivedSince(monotonicMs: number): Promise<boolean> {
    const [row] = await this.#client.query<{ s: string }>('SELECT uptime() AS s');
    // Whole seconds, rounded down.
    return Number(row?.s) * 1000 > this.#context.clock.monotonicMs() - monotonicMs;
  }
}
