import { toError } from '../../base/errors.ts';
import { EXIT, UsageError } from '../commands/command.ts';
import { confirmed } from './confirm.ts';
import { blockKey, blocksOf, type DayBlock, type DayState, judgeDays } from './day-blocks.ts';
import { DAY_MS } from './days.ts';
import type { ReplayOptions } from './options.ts';
import { grouped, newTally, showing } from './progress.ts';
import type { PartitionRanges } from './range-reader.ts';
import { createScratch, dropScratch, type Scratch, writingTo } from './scratch.ts';
import { formBlocks, type ReplaySession } from './session.ts';
import { sourceOf } from './survey.ts';
import { differences, emptiedDays, swapDays, swapLog } from './swap.ts';
import { textTable } from './table.ts';
import { type PartitionView, type TopicsView, viewTopics } from './topic-view.ts';

/** How often blocks that the running engine adds to the days meanwhile are taken in. */
const ROUNDS = 5;
const SETTLE_TRIES = 60;
const SETTLE_MS = 500;

/** Forms whole days again by today's configuration and puts them in place. Resolves with the exit code. */
export async function recompute(session: ReplaySession, options: ReplayOptions): Promise<number> {
  const { target, client, kafka, io } = session;
  if (options.revision !== 'current' && options.revision !== target.revision) {
    io.complain(
      `This configuration's revision is ${target.revision}, not ${options.revision}: nothing was done.`,
    );
    return EXIT.failed;
  }
  const days = wholeDays(options, io.clock.wallMs());
  const view = await viewTopics(kafka, target.kafka);
  const blocks = await blocksOf(client, days);
  const states = await judgeDays({ client, clock: io.clock }, days, blocks, logsOf(view));
  for (const line of describe(states)) io.print(line);
  if (states.some(({ obstacles }) => obstacles.length > 0)) {
    io.print(
      'Nothing was done: a day is recomputed as a whole or not at all. Choose --from and --to without these days.',
    );
    return EXIT.failed;
  }
  if (blocks.length === 0) {
    io.print('There is nothing to recompute.');
    return EXIT.ok;
  }
  const offsets = blocks.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (options.dryRun) {
    io.print(
      `Would form ${grouped(blocks.length)} blocks again from ${grouped(offsets)} offsets, and swap the days.`,
    );
    return EXIT.ok;
  }
  const question = `Form ${grouped(blocks.length)} blocks again under revision ${target.revision} and swap ${days.length} days?`;
  if (!(await confirmed(question, options, io))) return EXIT.usage;
  const scratch = await createScratch(client);
  try {
    return await work(session, { days, view, scratch, blocks });
  } finally {
    await dropScratch(client, scratch).catch((error: unknown) =>
      io.complain(`${scratch.database} could not be dropped: ${toError(error).message}`),
    );
  }
}

interface Work {
  readonly days: readonly number[];
  readonly view: TopicsView;
  readonly scratch: Scratch;
  readonly blocks: readonly DayBlock[];
}

async function work(session: ReplaySession, { days, view, scratch, blocks }: Work): Promise<number> {
  const { target, client, io, stop } = session;
  const into = writingTo(target.config, target.exporter.id, scratch.database);
  const tally = newTally();
  const formed = new Set<string>();
  let due = blocks;
  for (let round = 0; due.length > 0; round++) {
    if (round === ROUNDS) {
      io.complain(
        'The days are still being written to: they are as they were recomputed last. Run it again later.',
      );
      return EXIT.failed;
    }
    const offsets = due.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const ranges = rangesOf(due, view);
    await showing(io, tally, offsets, () =>
      formBlocks(session, { clusterId: view.clusterId, work: ranges, into, tally }),
    );
    if (stop.aborted) {
      io.print(round === 0 ? 'Stopped: nothing was changed.' : 'Stopped before the end: run it again.');
      return EXIT.interrupted;
    }
    for (const block of due) formed.add(blockKey(block));
    const wrong = await differences(client, scratch, days);
    const other = wrong.filter((text) => [...formed].some((key) => text === readable(key)));
    if (other.length > 0) {
      io.complain(
        `Kafka gives other records than were stored, in ${other.join(', ')} ...: these days stay as they are.`,
      );
      return EXIT.failed;
    }
    const emptied = await emptiedDays(client, scratch, days);
    if (emptied.length > 0) {
      io.complain(
        `Today's configuration forms no rows where there are some: ${emptied.join(', ')}. They stay as they are.`,
      );
      return EXIT.failed;
    }
    await swapDays(client, scratch, days, io.clock.wallMs());
    await swapLog(client, scratch, days);
    await settle(session);
    due = (await blocksOf(client, days)).filter((block) => !formed.has(blockKey(block)));
  }
  io.print(
    `Recomputed ${days.length} days under revision ${target.revision}: ${grouped(tally.spans)} spans ` +
      `of ${grouped(tally.records)} records in ${grouped(tally.blocks)} blocks.`,
  );
  return EXIT.ok;
}

/** Blocks that were on their way while the days were swapped have their log when this resolves. */
async function settle({ target, kafka, io, stop }: ReplaySession): Promise<void> {
  const positions = async (): Promise<string[]> => {
    const { partitions } = await viewTopics(kafka, target.kafka);
    return partitions
      .filter(({ note }) => note !== undefined)
      .map(({ topic, partition, committed }) => `${topic}/${partition} ${committed.metadata}`);
  };
  const before = await positions();
  for (let i = 0; i < SETTLE_TRIES && !stop.aborted; i++) {
    const now = await positions();
    if (!before.some((position) => now.includes(position))) return;
    await io.clock.sleep(SETTLE_MS, stop);
  }
}

/** Days since 1970, UTC, that lie in the range as a whole and are over. */
export function wholeDays({ from, to }: Pick<ReplayOptions, 'from' | 'to'>, nowMs: number): number[] {
  const today = Math.floor(nowMs / DAY_MS);
  const first = from?.kind === 'time' ? Math.ceil(from.ms / DAY_MS) : today;
  const end = Math.min(today, to?.kind === 'time' ? Math.floor(to.ms / DAY_MS) : today);
  if (first >= end) {
    throw new UsageError(
      '--revision works on whole days (UTC) that are over, and there is none between --from and --to',
    );
  }
  return Array.from({ length: end - first }, (_, i) => first + i);
}

function logsOf({ clusterId, partitions }: TopicsView): Map<string, PartitionView> {
  return new Map(partitions.map((view) => [`${sourceOf(clusterId, view.topic)}:${view.partition}`, view]));
}

function rangesOf(blocks: readonly DayBlock[], { clusterId, partitions }: TopicsView): PartitionRanges[] {
  return partitions.map(({ topic, partition }) => ({
    topic,
    partition,
    ranges: blocks
      .filter((block) => block.source === sourceOf(clusterId, topic) && block.partition === partition)
      .map(({ first, last }) => ({ first, last, whole: true })),
  }));
}

function readable(key: string): string {
  return key.replace(/:(\d+):(\d+-\d+)$/, ' $1 $2');
}

function describe(states: readonly DayState[]): string[] {
  const rows = states.map(({ day, blocks, spans, obstacles }) => [
    day,
    grouped(blocks),
    grouped(spans),
    obstacles.join('; ') || 'can be recomputed',
  ]);
  return textTable(['day', 'blocks', 'spans', ''], rows);
}
