import { randomUUID } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { SpanweirError, toError } from '../../base/errors.ts';
import type { Log } from '../../base/instruments.ts';
import { findMissing, isExpired, type Surroundings, surroundings } from '../../clickhouse/block-check.ts';
import {
  BlockBuffers,
  BlockEncoder,
  type EncodedBlock,
  type EncodedInsert,
  TABLES,
} from '../../clickhouse/block-encoder.ts';
import { type BlockPart, blockParts, logParts, type PartFamily } from '../../clickhouse/block-parts.ts';
import { isFed, repairParts, repairPrefix } from '../../clickhouse/block-repair.ts';
import type { ClickHouse } from '../../clickhouse/client.ts';
import type { Block, KafkaOrigin } from '../../flow/block.ts';
import type { BlockSink, SinkInputs } from '../../flow/lane.ts';
import type { Dictionary } from '../../span/dictionary.ts';
import { NONE } from '../../span/span-batch.ts';
import { spansIn, type Verdict, weighDays, weighTraces } from './arbiter.ts';
import type { Ledger } from './ledger.ts';
import { rowsOfBlock } from './stored.ts';

export interface ReplaySinkOptions {
  readonly id: string;
  readonly client: ClickHouse;
  readonly dictionary: Dictionary;
  readonly inputs: SinkInputs;
  readonly blockWish: BlockSink['blockWish'];
  readonly clock: Clock;
  readonly log: Log;
  /** 'weigh' = nothing is put in: what blocks of which something is there have in each table is noted. */
  readonly mode: 'weigh' | 'fill';
  readonly ledger: Ledger;
  /** A block of which it can't be known what is there: nothing more is put in, and it gets no log. */
  readonly doubtful: (origin: KafkaOrigin, why: string) => void;
  /** A block of which a part was there already. */
  readonly completed: (origin: KafkaOrigin) => void;
}

/** One block on its way: what it became, and whether its spans were there before. */
interface Work {
  readonly block: Block;
  readonly origin: KafkaOrigin;
  readonly encoded: EncodedBlock;
  readonly around: Surroundings;
  readonly signal: AbortSignal;
  /** 'forgotten' = they were not, though the table remembers their token: somebody has deleted them. */
  spansWere: 'absent' | 'there' | 'forgotten' | 'not asked for';
}

/** In a row; with growing waits that is about a minute. */
const MOST_FAILURES = 10;

class Doubt extends Error {}

/**
 * Puts blocks into a database that may have parts of them: each table is looked at first, and gets what it lacks.
 * A block of which nothing is there is inserted as the engine would, under the same tokens; where a table
 * remembers a token and does not have the rows, it is inserted under another. One block at a time.
 */
export class ReplaySink implements BlockSink {
  readonly id: string;
  readonly durable = true;
  readonly effectOnce = true;
  readonly blockWish: BlockSink['blockWish'];
  readonly #options: ReplaySinkOptions;
  readonly #encoder: BlockEncoder;
  readonly #buffers = new BlockBuffers();
  #last: Promise<unknown> = Promise.resolve();
  #failures = 0;

  constructor(options: ReplaySinkOptions) {
    this.id = options.id;
    this.blockWish = options.blockWish;
    this.#options = options;
    this.#encoder = new BlockEncoder(options.dictionary, options.inputs);
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async write(block: Block, signal: AbortSignal): Promise<void> {
    const written = this.#last.then(() => this.#write(block, signal));
    this.#last = written.catch(() => {});
    try {
      await written;
      this.#failures = 0;
    } catch (error) {
      if (++this.#failures < MOST_FAILURES || signal.aborted) throw error;
      throw new SpanweirError('STOPPING', toError(error).message, { cause: error });
    }
  }

  async #write(block: Block, signal: AbortSignal): Promise<void> {
    const { origin } = block;
    if (origin.kind !== 'kafka') return;
    const { client } = this.#options;
    const encoded = this.#encoder.encode(block, this.#buffers);
    const around = await surroundings(client, repairPrefix(origin));
    const work: Work = { block, origin, encoded, around, signal, spansWere: 'not asked for' };
    if (this.#options.mode === 'weigh') return await this.#weigh(work);
    try {
      for (const family of blockParts(block, this.#options.inputs)) {
        const insert = encoded.data.find(({ table }) => table === family.table);
        if (insert === undefined) continue;
        if (family.table === TABLES.spans) await this.#fillSpans(work, family, insert);
        else await this.#fillRows(work, family, insert);
      }
    } catch (error) {
      if (!(error instanceof Doubt)) throw error;
      this.#options.doubtful(origin, error.message);
      return;
    }
    if (encoded.log !== undefined) {
      await this.#insertSurely(work, encoded.log, logParts(encoded.totals).parts);
    }
    this.#options.ledger.settle(origin);
    if (work.spansWere === 'there') this.#options.completed(origin);
  }

  async #weigh({ around, block, encoded, origin }: Work): Promise<void> {
    const { client, inputs, ledger } = this.#options;
    for (const { parts, table } of blockParts(block, inputs)) {
      if (table === TABLES.spans) continue;
      const { missing, overgrown } = await findMissing(
        client,
        origin,
        parts.filter((part) => isFed(part, around)),
      );
      for (const part of parts) {
        if (missing.includes(part) && !overgrown.includes(part)) continue;
        const place = missing.includes(part) ? 'not known' : 'there';
        ledger.add(origin, part, place, spansIn(part, encoded.totals));
      }
    }
  }

  async #fillSpans(work: Work, { parts }: PartFamily, insert: EncodedInsert): Promise<void> {
    const { client } = this.#options;
    const { around, block, origin } = work;
    const wanted = parts.filter((part) => isFed(part, around) && !isExpired(part, around));
    const spans = wanted.filter(({ table }) => table === TABLES.spans);
    const traces = wanted.filter(({ table }) => table !== TABLES.spans);
    const { missing } = await findMissing(client, origin, spans);
    const lacksAll = missing.length === spans.length;
    if (lacksAll) {
      await this.#insert(work, insert, insert.token);
      const still = (await findMissing(client, origin, spans)).missing.length > 0;
      work.spansWere = still ? 'forgotten' : 'absent';
      if (!still) return;
      const verdict = traces.length === 0 ? 'not there' : await this.#weighTraces(block, 0);
      if (verdict === 'unknown') throw new Doubt('trace_summary has a part of its traces');
      if (verdict === 'not there') await this.#insert(work, insert, anotherToken(insert));
      else await this.#repair(work, insert, spans);
      return;
    }
    work.spansWere = 'there';
    const before = missing.length === 0 ? block.batch.spans : await rowsOfBlock(client, origin);
    const verdict = traces.length === 0 ? 'there' : await this.#weighTraces(block, before);
    if (missing.length > 0) await this.#repair(work, insert, missing);
    const rows = await rowsOfBlock(client, origin);
    if (rows !== block.batch.spans && spans.length > 0) {
      throw new Doubt(`otel_traces has ${rows} rows of its ${block.batch.spans} spans`);
    }
    if (verdict === 'unknown') await this.#fillTracesByMarker(work, insert, traces);
    if (verdict === 'not there') await this.#repair(work, insert, traces);
  }

  /** Some days of the block may be there and others not. */
  async #fillTracesByMarker(work: Work, insert: EncodedInsert, traces: readonly BlockPart[]): Promise<void> {
    const { missing, overgrown } = await findMissing(this.#options.client, work.origin, traces);
    if (overgrown.length > 0) throw new Doubt('trace_summary has a part of its traces');
    if (missing.length > 0) await this.#repair(work, insert, missing);
  }

  async #fillRows(work: Work, { parts }: PartFamily, insert: EncodedInsert): Promise<void> {
    const { client } = this.#options;
    const { around, origin, spansWere } = work;
    const wanted = parts.filter((part) => isFed(part, around) && !isExpired(part, around));
    const { missing, overgrown } = await findMissing(client, origin, wanted);
    const lacking = spansWere === 'absent' ? missing : await this.#weighed(missing, overgrown);
    if (lacking.length === 0) return;
    if (lacking.length < wanted.length) return await this.#repair(work, insert, lacking);
    if (spansWere !== 'absent') return await this.#insert(work, insert, anotherToken(insert));
    await this.#insert(work, insert, insert.token);
    const after = await findMissing(client, origin, wanted);
    const surely = after.missing.filter((part) => !after.overgrown.includes(part));
    if (surely.length > 0) await this.#repair(work, insert, surely);
  }

  /** Those of the missing parts that are missing indeed, where markers may have been grown over. */
  async #weighed(missing: readonly BlockPart[], overgrown: readonly BlockPart[]): Promise<BlockPart[]> {
    const { client, clock, ledger } = this.#options;
    const lacking: BlockPart[] = [];
    for (const part of missing) {
      const verdict = overgrown.includes(part) ? await weighDays(client, clock, part, ledger) : 'not there';
      if (verdict === 'unknown') throw new Doubt(`${part.table} has other totals than the log says`);
      if (verdict === 'not there') lacking.push(part);
    }
    return lacking;
  }

  async #weighTraces({ batch }: Block, inTable: number): Promise<Verdict> {
    const ids = new Set<string>();
    let spans = 0;
    for (let i = 0; i < batch.spans; i++) {
      const at = batch.traceIdAt[i] as number;
      if (at === NONE) continue;
      ids.add(batch.arena.subarray(at, at + 16).toString('hex'));
      spans += 1;
    }
    return await weighTraces(this.#options.client, [...ids], { spans, inTable: Math.min(inTable, spans) });
  }

  async #insertSurely(work: Work, insert: EncodedInsert, parts: readonly BlockPart[]): Promise<void> {
    await this.#insert(work, insert, insert.token);
    const { missing } = await findMissing(this.#options.client, work.origin, parts);
    if (missing.length > 0) await this.#insert(work, insert, anotherToken(insert));
  }

  async #insert({ signal }: Work, { bytes, table }: EncodedInsert, token: string): Promise<void> {
    await this.#options.client.insertNative({ table, token }, bytes, signal);
  }

  async #repair(work: Work, insert: EncodedInsert, missing: readonly BlockPart[]): Promise<void> {
    const { client, log } = this.#options;
    const { around, origin, signal } = work;
    const { firstOffset, lastOffset, partition, topic } = origin;
    const tables = [...new Set(missing.map(({ table }) => table))];
    log.info({ topic, partition, firstOffset, lastOffset, tables }, 'a part of a block is put in');
    await repairParts({ client, origin, insert, missing, surroundings: around, mayBegin: () => {}, signal });
  }
}

/** A table that remembers the token of a block which it does not have takes it under another one. */
function anotherToken({ token }: EncodedInsert): string {
  return `${token}:replay-${randomUUID()}`;
}
