import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createClient } from '@clickhouse/client';
import { BlockBuffers, BlockEncoder } from '../src/clickhouse/block-encoder.ts';
import { INSERT_SETTINGS } from '../src/clickhouse/settings.ts';
import { Dictionary } from '../src/span/dictionary.ts';
import { OtlpScanner } from '../src/span/otlp-scanner.ts';
import { SpanBatch } from '../src/span/span-batch.ts';
import { kafkaOrigin } from '../test/support/kafka-origin.ts';
import { mergesSettled, type Query, storedChecksum } from './clickhouse/stored-spans.ts';
import { type EmbeddedDatabase, startDatabase } from './support/embedded-database.ts';
import { type Figure, median, tellFigures } from './support/figures.ts';
import { memoryFolder } from './support/memory-folder.ts';
import { cpuSeconds } from './support/process-usage.ts';
import { SPANS_PER_MESSAGE, Workload } from './workload.ts';

const PLANS = {
  tiny: { blocks: 2, spansPerBlock: 2000, repeats: 1 },
  // A block of one of 8 partitions at full rate has some 20,000.
  full: { blocks: 30, spansPerBlock: 20_000, repeats: 3 },
} as const;
const INSERT_TARGET = 0.45;
const SETTLED_TARGET = 0.6;

const FORMATS = ['Native', 'JSONEachRow'] as const;
type Format = (typeof FORMATS)[number];

interface Run {
  readonly format: Format;
  /** With merges, waited for until there are none left; else they were not let begin. */
  readonly isSettled: boolean;
  /** From a block's columns, or its rows as objects, to the server's answer. */
  readonly clientS: number;
  readonly serverS: number;
}

/**
 * CPU of the same rows of otel_traces in the same blocks, under the same tokens and with the same view, as Native blocks and as JSONEachRow.
 * Neither side is charged for reading OTLP: ours begins with a batch of columns, the other with objects that only have to be made into text.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const root = process.env.BENCH_DIR ?? memoryFolder() ?? tmpdir();
  const dir = mkdtempSync(join(root, 'spanweir-native-'));
  try {
    const source = new Source(PLANS[size], dir);
    const checksum = await source.writeRows();
    const runs: Run[] = [];
    for (let repeat = 0; repeat < PLANS[size].repeats; repeat++)
      for (const isSettled of [false, true])
        for (const format of FORMATS) runs.push(await measure(source, { format, isSettled, checksum, dir }));
    return tellFigures('native-cost', figures(runs, source.spans), noteOf(PLANS[size]));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** One insert of a run: what is made ready beforehand is not measured, what `send` does is. */
interface Insert {
  readonly send: () => Promise<void>;
}

/** The blocks of the standard workload, made anew for every run, and their rows in files. */
class Source {
  readonly spans: number;
  readonly #blocks: number;
  readonly #spansPerBlock: number;
  readonly #dir: string;
  readonly #startNs = BigInt(Date.now() - 600_000) * 1_000_000n;

  constructor(plan: { readonly blocks: number; readonly spansPerBlock: number }, dir: string) {
    this.#blocks = plan.blocks;
    this.#spansPerBlock = plan.spansPerBlock;
    this.spans = plan.blocks * plan.spansPerBlock;
    this.#dir = dir;
  }

  /** What the database made of every block, as a client that writes JSON would have it. Resolves with the checksum of all. */
  async writeRows(): Promise<string> {
    const database = await startDatabase(join(this.#dir, 'rows'), 'bench');
    try {
      await database.client.command('SYSTEM STOP MERGES');
      let index = 0;
      for (const { send } of this.inserts('Native', database)) {
        await send();
        const rows = await database.client.query(
          `SELECT * FROM bench.otel_traces WHERE KafkaPartition = ${index}`,
        );
        writeFileSync(this.#rowsFile(index++), JSON.stringify(rows));
      }
      return await storedChecksum(queryOf(database), 'bench');
    } finally {
      await database.stop();
    }
  }

  inserts(format: Format, database: EmbeddedDatabase): Generator<Insert, void, undefined> {
    return format === 'Native' ? this.#native(database) : this.#json(database);
  }

  *#native({ client }: EmbeddedDatabase): Generator<Insert, void, undefined> {
    const dictionary = new Dictionary();
    const scanner = new OtlpScanner(dictionary);
    const encoder = new BlockEncoder(dictionary, { spans: true, throughput: false, red: new Map() });
    const buffers = new BlockBuffers();
    const messages = new Workload({ spans: this.spans, startNs: this.#startNs }).messages();
    for (let index = 0; index < this.#blocks; index++) {
      const batch = new SpanBatch();
      let offset = 0;
      while (batch.spans < this.#spansPerBlock)
        scanner.append(batch, messages.next().value as Buffer, { offset: offset++, timestampMs: 0 });
      const origin = kafkaOrigin(0, this.#spansPerBlock / SPANS_PER_MESSAGE - 1, { partition: index });
      const block = { origin, batch, red: new Map(), throughput: undefined, mayBegin: () => true };
      yield {
        send: async () => {
          const { data } = encoder.encode(block, buffers);
          for (const insert of data) await client.insertNative(insert, insert.bytes);
        },
      };
    }
  }

  *#json({ client: { url } }: EmbeddedDatabase): Generator<Insert, void, undefined> {
    const client = createClient({ url, database: 'bench' });
    for (let index = 0; index < this.#blocks; index++) {
      const rows = JSON.parse(readFileSync(this.#rowsFile(index), 'utf8')) as object[];
      yield {
        send: async () => {
          const { stream } = await client.exec({
            query: 'INSERT INTO otel_traces FORMAT JSONEachRow',
            values: Readable.from([Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n'))], {
              objectMode: false,
            }),
            clickhouse_settings: {
              ...INSERT_SETTINGS,
              insert_deduplication_token: `json-${index}`,
              // Read in parallel it would come in several parts.
              input_format_parallel_parsing: 0,
            },
          });
          for await (const _ of stream);
        },
      };
    }
    void client.close();
  }

  #rowsFile(index: number): string {
    return join(this.#dir, `rows-${index}.json`);
  }
}

interface Conditions {
  readonly format: Format;
  readonly isSettled: boolean;
  readonly checksum: string;
  readonly dir: string;
}

async function measure(source: Source, conditions: Conditions): Promise<Run> {
  const { checksum, dir, format, isSettled } = conditions;
  const at = join(dir, 'run');
  const database = await startDatabase(at, 'bench');
  try {
    const query = queryOf(database);
    if (!isSettled) await database.client.command('SYSTEM STOP MERGES');
    const begunS = cpuSeconds(database.pid);
    let clientUs = 0;
    for (const { send } of source.inserts(format, database)) {
      // What was made ready for this insert is not to be swept up in its time.
      collectGarbage();
      const before = process.cpuUsage();
      await send();
      const { user, system } = process.cpuUsage(before);
      clientUs += user + system;
    }
    if (isSettled) await mergesSettled(query);
    const run = { format, isSettled, clientS: clientUs / 1e6, serverS: cpuSeconds(database.pid) - begunS };
    const [stored] = await query<{ rows: string }>('SELECT count() AS rows FROM bench.otel_traces');
    const found = await storedChecksum(query, 'bench');
    if (Number(stored?.rows) !== source.spans || found !== checksum)
      throw new Error(
        `${format}: ${stored?.rows} rows of ${source.spans} spans, checksum ${found}, not ${checksum}`,
      );
    console.log(
      `${format.padEnd(11)} ${isSettled ? 'merges settled' : 'insert only   '} client ${microseconds(run.clientS, source.spans)}, ` +
        `server ${microseconds(run.serverS, source.spans)} us of CPU a span, checksum ${found}`,
    );
    return run;
  } finally {
    await database.stop();
    rmSync(at, { recursive: true, force: true });
  }
}

function queryOf({ client }: EmbeddedDatabase): Query {
  return (sql) => client.query(sql);
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function figures(runs: readonly Run[], spans: number): Figure[] {
  const line = (isSettled: boolean, what: string, target: number): Figure => {
    const of = (format: Format, value: (run: Run) => number): number =>
      median(runs.filter((run) => run.format === format && run.isSettled === isSettled).map(value));
    const all = ({ clientS, serverS }: Run): number => clientS + serverS;
    const [ours, theirs] = [of('Native', all), of('JSONEachRow', all)];
    const parts = FORMATS.map((format) => {
      const client = microseconds(
        of(format, ({ clientS }) => clientS),
        spans,
      );
      const server = microseconds(
        of(format, ({ serverS }) => serverS),
        spans,
      );
      return `${client} + ${server}`;
    });
    return {
      what,
      figure: `${((ours / theirs) * 100).toFixed(1)} % (${parts.join(' against ')} us)`,
      target: `<= ${target * 100} %`,
      isMet: ours / theirs <= target,
    };
  };
  return [
    line(
      false,
      'CPU a stored span over the same rows as JSONEachRow, insert only (client + server)',
      INSERT_TARGET,
    ),
    line(true, 'the same with merges settled', SETTLED_TARGET),
  ];
}

function noteOf({
  blocks,
  spansPerBlock,
}: {
  readonly blocks: number;
  readonly spansPerBlock: number;
}): string {
  return (
    `Medians of three repeats in turn, ${blocks} blocks of ${spansPerBlock.toLocaleString('en')} spans into otel_traces with its view, on a server whose data lies in memory. ` +
    'Client: from columns to Native bytes, from objects to JSON text, and sending it; reading OTLP is in neither. Insert only: merges stopped.'
  );
}

function microseconds(cpuS: number, spans: number): string {
  return ((cpuS / spans) * 1e6).toFixed(2);
}
