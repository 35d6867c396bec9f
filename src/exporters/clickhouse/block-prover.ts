import type { Clock } from '../../base/clock.ts';
import { SpanweirError } from '../../base/errors.ts';
import type { Counter, Instruments, Log } from '../../base/instruments.ts';
import {
  type Findings,
  findMissing,
  isExpired,
  isRunning,
  type Surroundings,
  surroundings,
} from '../../clickhouse/block-check.ts';
import type { EncodedInsert } from '../../clickhouse/block-encoder.ts';
import { BLOCK_TABLES, type BlockPart, type PartFamily } from '../../clickhouse/block-parts.ts';
import { dropShadows, isFed, repairParts, repairPrefix } from '../../clickhouse/block-repair.ts';
import type { ClickHouse } from '../../clickhouse/client.ts';
import type { KafkaOrigin } from '../../flow/block.ts';

/** Between two looks at an insert that the server has not finished. */
const POLL_MS = 100;
/** A block that is still not whole after so many repairs is begun again from its records. */
const MOST_REPAIRS = 5;

export interface ProverContext {
  readonly id: string;
  /** `LaneContext.revision`. */
  readonly revision: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly instruments: Instruments;
}

export interface Claim {
  readonly origin: KafkaOrigin;
  /** What was inserted, and answered with success, and where it must be found. */
  readonly inserts: readonly EncodedInsert[];
  readonly families: readonly PartFamily[];
  /** Throws when the block may be another owner's by now. */
  readonly mayBegin: () => void;
  readonly signal: AbortSignal;
}

/**
 * Looks whether a block is where ClickHouse says that it is, and puts in what is not. MergeTree notes an insert's
 * token before the part is in place: if the server was killed between the two, in any of the tables that an insert
 * reaches, the same insert is answered with success and does nothing.
 */
export class BlockProver {
  readonly #client: ClickHouse;
  readonly #context: ProverContext;
  readonly #checks: Counter;
  readonly #repairs = new Map<string, Counter>();

  constructor(client: ClickHouse, context: ProverContext) {
    this.#client = client;
    this.#context = context;
    const { id, instruments } = context;
    this.#checks = instruments.counter('spanweir_clickhouse_block_checks_total', { exporter: id });
    for (const table of BLOCK_TABLES) {
      const labels = { exporter: id, table };
      this.#repairs.set(table, instruments.counter('spanweir_clickhouse_repaired_parts_total', labels));
    }
  }

  /** Whether the log, which is written last, has the block: then nothing is left to be done. */
  async isLogged(origin: KafkaOrigin, log: PartFamily): Promise<boolean> {
    return (await findMissing(this.#client, origin, log.parts)).missing.length === 0;
  }

  /** Resolves when every part is there. Rejects with UNAVAILABLE when ClickHouse can't be asked or mended. */
  async prove(claim: Claim): Promise<void> {
    this.#checks.add(1);
    const around = await surroundings(this.#client, repairPrefix(claim.origin));
    if (around.leftovers.length > 0) {
      await dropShadows({ ...claim, client: this.#client, surroundings: around });
    }
    for (const { parts, table } of claim.families) {
      const insert = claim.inserts.find((candidate) => candidate.table === table);
      if (insert !== undefined) await this.#proveInsert(claim, insert, parts, around);
    }
  }

  async #proveInsert(
    claim: Claim,
    insert: EncodedInsert,
    parts: readonly BlockPart[],
    before: Surroundings,
  ): Promise<void> {
    const { clock } = this.#context;
    const { mayBegin, origin, signal } = claim;
    const prefix = repairPrefix(origin);
    let around = before;
    for (let repairs = 0; ; ) {
      const wanted = parts.filter((part) => isFed(part, around) && !isExpired(part, around));
      if ((await findMissing(this.#client, origin, wanted)).missing.length === 0) return;
      // Whoever noted the token may be about to put the part in place.
      if (await isRunning(this.#client, insert.token, prefix)) {
        await clock.sleep(POLL_MS, signal);
        if (signal.aborted) throw new SpanweirError('UNAVAILABLE', 'an earlier insert is still being run');
        continue;
      }
      const { missing, overgrown } = await this.#lookAgain(origin, wanted);
      if (missing.length === 0) return;
      if (repairs++ === MOST_REPAIRS) {
        throw new SpanweirError('UNAVAILABLE', `${list(missing)} stay without the block`, {
          retry: 'backoff',
        });
      }
      around = await surroundings(this.#client, prefix);
      const due = missing.filter((part) => isFed(part, around) && !isExpired(part, around));
      if (due.length === 0) return;
      this.#say(origin, due, overgrown);
      await repairParts({
        client: this.#client,
        origin,
        insert,
        missing: due,
        surroundings: around,
        mayBegin,
        signal,
      });
      for (const { table } of due) this.#repairs.get(table)?.add(1);
    }
  }

  /** Who formed the block before may have marked another row: by other rules, or of records that are gone by now. */
  async #lookAgain(origin: KafkaOrigin, wanted: readonly BlockPart[]): Promise<Findings> {
    const narrow = await findMissing(this.#client, origin, wanted);
    if (!origin.isChanged && origin.revision === this.#context.revision) return narrow;
    const { missing } = await findMissing(this.#client, origin, narrow.missing, { isBroad: true });
    return { missing, overgrown: narrow.overgrown.filter((part) => missing.includes(part)) };
  }

  #say(origin: KafkaOrigin, missing: readonly BlockPart[], overgrown: readonly BlockPart[]): void {
    const { firstOffset, lastOffset, partition, topic } = origin;
    const range = { topic, partition, firstOffset, lastOffset, parts: list(missing) };
    this.#context.log.warn(range, 'ClickHouse took a block and does not have it: it is put in again');
    if (overgrown.length === 0) return;
    this.#context.log.error(
      { ...range, parts: list(overgrown) },
      'later blocks left their marks where this one should have: it is put in again, and may be there twice',
    );
  }
}

function list(parts: readonly BlockPart[]): string {
  return parts.map(({ partitionId, table }) => `${table} ${partitionId}`).join(', ');
}
