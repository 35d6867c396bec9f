import { EXIT } from '../commands/command.ts';
import { confirmed } from './confirm.ts';
import { Ledger } from './ledger.ts';
import { ttlMsOfLog } from './log-ttl.ts';
import type { ReplayOptions } from './options.ts';
import { grouped, newTally, showing } from './progress.ts';
import { countOffsets } from './ranges.ts';
import { formBlocks, type ReplaySession } from './session.ts';
import { countsOf, type PartitionSurvey, type Survey, survey } from './survey.ts';
import { textTable } from './table.ts';

/** Puts into ClickHouse what is missing there. Resolves with the exit code. */
export async function fill(session: ReplaySession, options: ReplayOptions): Promise<number> {
  const { target, client, kafka, io, stop } = session;
  const ttlMs = ttlMsOfLog(target.exporter.config.ttl.spans);
  const deps = {
    kafka,
    client,
    config: target.kafka,
    toldSinceMs: ttlMs === undefined ? undefined : io.clock.wallMs() - ttlMs,
  };
  const before = await survey(options, deps);
  for (const line of describe(before)) io.print(line);
  const due = before.partitions.reduce((sum, { work }) => sum + countOffsets(work), 0);
  if (due === 0) {
    io.print('Nothing is missing that could be put in.');
    return isWhole(before) ? EXIT.ok : EXIT.failed;
  }
  if (options.dryRun) {
    io.print(`Would read ${grouped(due)} offsets again and put in what they hold and the tables lack.`);
    return EXIT.ok;
  }
  if (!(await confirmed(`Read ${grouped(due)} offsets again and put in what is missing?`, options, io))) {
    return EXIT.usage;
  }
  const tally = newTally();
  const work = before.partitions.map(({ view: { topic, partition }, work: ranges }) => ({
    topic,
    partition,
    ranges,
  }));
  const { clusterId } = before;
  const ledger = new Ledger();
  const halves = work.map((of) => ({ ...of, ranges: of.ranges.filter(({ whole }) => whole) }));
  if (halves.some(({ ranges }) => ranges.length > 0)) {
    io.print('Some blocks are there in part: looking at what each table has of them.');
    const into = { ledger, mode: 'weigh' } as const;
    await formBlocks(session, { clusterId, work: halves, into, tally: newTally() });
  }
  await showing(io, tally, due, () =>
    formBlocks(session, { clusterId, work, into: { ledger, mode: 'fill' }, tally }),
  );
  const after = await survey(options, deps);
  io.print('');
  for (const line of summary(before, after)) io.print(line);
  io.print(
    `Read again: ${grouped(tally.spans)} spans of ${grouped(tally.records)} records, in ${grouped(tally.blocks)} blocks, ` +
      `${grouped(tally.completed)} of which were there in part. Put aside: ${grouped(tally.quarantined)} records.`,
  );
  if (tally.refused > 0)
    io.complain(`ClickHouse refuses ${grouped(tally.refused)} blocks for good: they were put aside.`);
  for (const doubt of tally.doubts) io.complain(`left alone: ${doubt} (see --revision current)`);
  if (stop.aborted) {
    io.print('Stopped before the end: what was put in is complete in itself; run it again for the rest.');
    return EXIT.interrupted;
  }
  return isWhole(after) && tally.doubts.length + tally.refused === 0 ? EXIT.ok : EXIT.failed;
}

/** True when all that was asked for is stored, or is the live engine's to store. */
function isWhole({ partitions }: Survey): boolean {
  return partitions.every(({ halfThere, gone, untold }) =>
    [halfThere, gone, untold].every((ranges) => ranges.length === 0),
  );
}

function describe(found: Survey): string[] {
  const rows = found.partitions.map((one) => {
    const counts = countsOf(one);
    const { topic, partition } = one.view;
    const numbers = [counts.asked, counts.there, counts.missing, counts.live, counts.halfThere, counts.gone];
    return [topic, String(partition), ...numbers.map(grouped), remarkOf(one)];
  });
  const head = [
    'topic',
    'partition',
    'offsets',
    'there',
    'missing',
    'left to the engine',
    'half there',
    'gone',
    '',
  ];
  return textTable(head, rows);
}

function remarkOf({ view, live, missing, gone, halfThere, untold }: PartitionSurvey): string {
  const remarks: string[] = [];
  const shown = (ranges: PartitionSurvey['missing']): string => {
    const texts = ranges
      .slice(0, 3)
      .map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
    return texts.join(', ') + (ranges.length > 3 ? `, and ${ranges.length - 3} more` : '');
  };
  if (missing.length > 0) remarks.push(`missing ${shown(missing)}`);
  if (live.length > 0 && view.note !== undefined) remarks.push(view.note);
  if (halfThere.length > 0) remarks.push(`in otel_traces, but in no log: ${shown(halfThere)}`);
  if (gone.length > 0) remarks.push(`no longer in Kafka: ${shown(gone)}`);
  if (untold.length > 0) remarks.push(`older than the log of what was stored: ${shown(untold)}`);
  return remarks.join('; ');
}

function summary(before: Survey, after: Survey): string[] {
  const rows = after.partitions.map((now, i) => {
    const then = before.partitions[i];
    const was = then === undefined ? 0 : countsOf(then).missing + countsOf(then).halfThere;
    const counts = countsOf(now);
    const { topic, partition } = now.view;
    const left = counts.missing + counts.halfThere;
    return [topic, String(partition), ...[was, was - left, left].map(grouped)];
  });
  return textTable(['topic', 'partition', 'was missing', 'put in', 'still open'], rows);
}
