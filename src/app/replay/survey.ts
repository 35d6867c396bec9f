import type { ClickHouse } from '../../clickhouse/client.ts';
import type { KafkaClient } from '../../kafka/client.ts';
import type { KafkaReceiverConfig } from '../../receivers/kafka/config.ts';
import type { ReplayOptions } from './options.ts';
import {
  common,
  countOffsets,
  cutAtEnds,
  joined,
  type OffsetRange,
  type WorkRange,
  without,
} from './ranges.ts';
import { knownEnds, loggedRanges, offsetsWithRows } from './stored.ts';
import { offsetsOf, type PartitionView, viewTopics } from './topic-view.ts';

/** What is asked for in one partition, sorted by what is to be done with it; offsets that Kafka never gave stay in it. */
export interface PartitionSurvey {
  readonly view: PartitionView;
  readonly asked: readonly OffsetRange[];
  /** Stored, as the log says. */
  readonly there: readonly OffsetRange[];
  /** In no log, but with rows in otel_traces. */
  readonly halfThere: readonly OffsetRange[];
  /** In no log and without rows. */
  readonly missing: readonly OffsetRange[];
  /** Both of them, as blocks are to be formed of them. */
  readonly work: readonly WorkRange[];
  /** Not stored, and not in Kafka any more. */
  readonly gone: readonly OffsetRange[];
  /** So old that the log of what was stored may have expired: nobody can tell. */
  readonly untold: readonly OffsetRange[];
  /** What the live engine has not finished. */
  readonly live: readonly OffsetRange[];
}

export interface Survey {
  readonly clusterId: string;
  readonly partitions: readonly PartitionSurvey[];
}

export interface SurveyDeps {
  readonly kafka: KafkaClient;
  readonly config: KafkaReceiverConfig;
  readonly client: ClickHouse;
  /** Unix ms; records before this may have been stored and their log be gone. Undefined = logs never expire. */
  readonly toldSinceMs: number | undefined;
}

export function sourceOf(clusterId: string, topic: string): string {
  return `${clusterId}/${topic}`;
}

/** Compares Kafka's logs with what ClickHouse has. Changes nothing. */
export async function survey(options: ReplayOptions, deps: SurveyDeps): Promise<Survey> {
  const { kafka, config, client } = deps;
  // First what is finished, then what is stored: what is finished meanwhile does not look missing then.
  const { clusterId, partitions } = await viewTopics(kafka, config, options);
  const surveys: PartitionSurvey[] = [];
  for (const topic of new Set(partitions.map((view) => view.topic))) {
    const source = sourceOf(clusterId, topic);
    const from = options.from && (await offsetsOf(kafka, topic, options.from));
    const to = options.to && (await offsetsOf(kafka, topic, options.to));
    const told =
      deps.toldSinceMs === undefined
        ? undefined
        : await offsetsOf(kafka, topic, { kind: 'time', ms: deps.toldSinceMs });
    const logged = await loggedRanges(client, source);
    for (const view of partitions.filter((candidate) => candidate.topic === topic)) {
      const { partition, low, high } = view;
      const asked = { first: from?.(partition) ?? low, last: Math.min(to?.(partition) ?? high, high) - 1 };
      const there = logged.get(partition) ?? [];
      const sorted = sortOut(view, [asked], there, told?.(partition) ?? 0);
      const rows = await offsetsWithRows(client, source, partition, sorted.missing);
      const ends = await knownEnds(client, source, partition, sorted.missing);
      surveys.push({
        ...sorted,
        halfThere: common(sorted.missing, rows),
        missing: without(sorted.missing, rows),
        work: sorted.missing.flatMap((hole) => cutAtEnds(hole, ends, rows)),
      });
    }
  }
  return { clusterId, partitions: surveys };
}

/** Everything but what the rows tell. */
export function sortOut(
  view: PartitionView,
  asked: readonly OffsetRange[],
  logged: readonly OffsetRange[],
  toldFrom: number,
): Omit<PartitionSurvey, 'halfThere' | 'work'> {
  const { low, high, finishedBelow } = view;
  const wanted = joined(asked);
  const there = common(wanted, logged);
  const open = without(wanted, logged);
  const live = common(open, [{ first: finishedBelow, last: high - 1 }]);
  const finished = common(open, [{ first: 0, last: finishedBelow - 1 }]);
  const gone = common(finished, [{ first: 0, last: low - 1 }]);
  const inKafka = common(finished, [{ first: low, last: high - 1 }]);
  const untold = common(inKafka, [{ first: 0, last: toldFrom - 1 }]);
  return { view, asked: wanted, there, gone, live, untold, missing: without(inKafka, untold) };
}

export type SurveyCounts = Readonly<
  Record<'asked' | 'there' | 'halfThere' | 'missing' | 'gone' | 'untold' | 'live', number>
>;

export function countsOf(survey: PartitionSurvey): SurveyCounts {
  const { asked, there, halfThere, missing, gone, untold, live } = survey;
  return {
    asked: countOffsets(asked),
    there: countOffsets(there),
    halfThere: countOffsets(halfThere),
    missing: countOffsets(missing),
    gone: countOffsets(gone),
    untold: countOffsets(untold),
    live: countOffsets(live),
  };
}
