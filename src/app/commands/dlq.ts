import { positionText } from '../../receivers/kafka/dead-letter-headers.ts';
import {
  type Command,
  type CommandIo,
  countOf,
  EXIT,
  type GivenArguments,
  isGiven,
  textOf,
  UsageError,
} from './command.ts';
import { collectLetters, type Letter } from './dlq-collect.ts';
import { FILTER_HELP, FILTER_OPTIONS, readFilter } from './dlq-filter.ts';
import { chosenReceiver, type OpenReceiver, openReceiver } from './dlq-places.ts';
import { retryLetters } from './dlq-retry.ts';
import { asJson, iso, showLetter } from './dlq-show.ts';

const HELP = `spanweir dlq - looks at dead letters, and produces their records again

Usage: spanweir dlq list  --config FILE... [filters] [--limit N] [--json]
       spanweir dlq show  POSITION --config FILE... [--bytes N] [--save FILE] [--json]
       spanweir dlq retry [POSITION...] --config FILE... [filters] [--topic TOPIC] [--again] [--dry-run | --yes]

A dead letter is a record (or a whole record batch) that a kafka receiver could not read, or that the database can
never take. It is kept in the receiver's dead_letter.topic, or in its dead_letter.directory. POSITION is where the
record stood: TOPIC:PARTITION:OFFSET, as list shows it.

  list    newest first. After a kill a letter may be there twice: it is shown once
  show    headers, bytes, and what reading the value again says, and at which byte
  retry   produces records again, with their key, value, headers and timestamp, into the topic and partition they
          came from. Headers x-spanweir-retry-of and x-spanweir-retry-count say so, also in the letter when a record
          fails again. What was produced again is marked and left out the next time. Whole batches can not be retried

Filters:
${FILTER_HELP}

Options:
  --receiver ID      which kafka receiver, when the configuration has several
  --limit N          with list: show so many at most (100; 0 = all)
  --json             with list and show: one JSON object per line; bytes are base64
  --bytes N          with show: so many bytes of the value in hexadecimal (256)
  --save FILE        with show: write the whole value to FILE
  --topic TOPIC      with retry: produce to TOPIC instead
  --again            with retry: also what was produced again before
  --dry-run          with retry: only show what would be produced
  --yes              with retry: do it

Exit codes: 0 done, 1 failed, or some records could not be produced, 2 wrong command line, 3 wrong configuration,
130 interrupted
`;

const OPTIONS = {
  ...FILTER_OPTIONS,
  receiver: { type: 'string' },
  limit: { type: 'string' },
  json: { type: 'boolean' },
  bytes: { type: 'string' },
  save: { type: 'string' },
  topic: { type: 'string' },
  again: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  yes: { type: 'boolean' },
} as const satisfies Command['options'];

/** Options that mean something with one of the words only. */
const BELONGS_TO: Readonly<Record<string, readonly string[]>> = {
  limit: ['list'],
  json: ['list', 'show'],
  bytes: ['show'],
  save: ['show'],
  topic: ['retry'],
  again: ['retry'],
  'dry-run': ['retry'],
  yes: ['retry'],
};

export const dlqCommand: Command = {
  name: 'dlq',
  summary: 'dead letters: list, show, retry',
  help: HELP,
  options: OPTIONS,
  takesWords: true,
  async run(given, config, io, stop) {
    const [what = '', ...words] = given.positionals;
    if (!['list', 'show', 'retry'].includes(what)) {
      throw new UsageError('expected: spanweir dlq list, spanweir dlq show POSITION, or spanweir dlq retry');
    }
    checkOptions(given, what);
    if (what === 'list' && words.length > 0)
      throw new UsageError(`"${words.join(' ')}" is too much for list`);
    if (what === 'show' && words.length !== 1) throw new UsageError('show needs one POSITION');
    const filter = readFilter(given, words, io.clock.wallMs());
    const numbers = { limit: countOf(given, 'limit') ?? 100, bytes: countOf(given, 'bytes') ?? 256 };
    const receiver = await openReceiver(chosenReceiver(config, textOf(given, 'receiver')), io);
    try {
      const letters = await collectLetters(receiver.places, filter, io, stop);
      if (letters === undefined) return EXIT.interrupted;
      const missing = words.filter(
        (word) => !letters.some(({ letter }) => positionText(letter.position) === word),
      );
      for (const word of missing) io.complain(`no dead letter at ${word}`);
      if (missing.length > 0) return EXIT.failed;
      return await act(what, { given, numbers, receiver, letters, io, stop });
    } finally {
      await receiver.close();
    }
  },
};

interface Work {
  readonly given: GivenArguments;
  readonly numbers: { readonly limit: number; readonly bytes: number };
  readonly receiver: OpenReceiver;
  readonly letters: readonly Letter[];
  readonly io: CommandIo;
  readonly stop: AbortSignal;
}

async function act(what: string, { given, numbers, receiver, letters, io, stop }: Work): Promise<number> {
  if (what === 'retry') {
    const [topic, dryRun] = [textOf(given, 'topic'), isGiven(given, 'dry-run')];
    const options = { topic, dryRun, yes: isGiven(given, 'yes'), again: isGiven(given, 'again') };
    return await retryLetters(receiver, letters, options, io, stop);
  }
  const json = isGiven(given, 'json');
  const [letter] = letters;
  if (what === 'show' && letter !== undefined) {
    const options = { json, bytes: numbers.bytes, save: textOf(given, 'save') };
    return await showLetter(receiver, letter, options, io);
  }
  const shown = numbers.limit === 0 ? letters : letters.slice(0, numbers.limit);
  if (json) for (const one of shown) io.print(JSON.stringify(asJson(one)));
  else printTable(shown, letters.length, receiver, io);
  return EXIT.ok;
}

function checkOptions(given: GivenArguments, what: string): void {
  for (const [option, words] of Object.entries(BELONGS_TO)) {
    if (given.values[option] === undefined || words.includes(what)) continue;
    throw new UsageError(`--${option} belongs to dlq ${words.join(' and dlq ')}`);
  }
}

function printTable(shown: readonly Letter[], all: number, receiver: OpenReceiver, io: CommandIo): void {
  const where = receiver.places.map(({ name }) => name).join(' and ');
  if (all === 0) {
    io.print(`No dead letters in ${where}.`);
    return;
  }
  const rows = shown.map(({ letter, valueBytes, copies, retries, retriedMs }) => {
    const { position, lastOffset, reason, putAside } = letter;
    const notes = [
      lastOffset === undefined ? '' : `batch up to ${lastOffset}`,
      retries === 0 ? '' : `failed again after ${retries} ${retries === 1 ? 'retry' : 'retries'}`,
      retriedMs === undefined ? '' : 'produced again',
      copies === 1 ? '' : `${copies} copies`,
    ];
    const size = valueBytes === undefined ? 'null' : String(valueBytes);
    return [
      iso(putAside.atMs),
      positionText(position),
      reason,
      size,
      notes.filter((note) => note !== '').join(', '),
    ];
  });
  for (const line of table([['PUT ASIDE', 'POSITION', 'REASON', 'BYTES', ''], ...rows])) io.print(line);
  const more = all > shown.length ? `, ${all - shown.length} more (--limit N)` : '';
  io.print(`${all} dead letter${all === 1 ? '' : 's'} in ${where}${more}`);
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] as number))
      .join('  ')
      .trimEnd(),
  );
}
