import type { ClickHouseClient } from '@clickhouse/client';
import type { Board, BoardTarget } from '../../support/boards.ts';
import { expandPromql, expandSql, type Moment } from '../../support/grafana-macros.ts';

export type Row = Readonly<Record<string, unknown>>;

/** One series of an answer of Prometheus: its labels, and its last value. */
export interface Answered {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface PromAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Record<string, string>;
      readonly value?: readonly [number, string];
      readonly values?: readonly (readonly [number, string])[];
    }[];
  };
}

/** As the Prometheus data source asks: an instant or a range, at the end of the moment. Series that are only NaN are none. */
export async function askPrometheus(url: string, target: BoardTarget, moment: Moment): Promise<Answered[]> {
  const query = expandPromql(target.expr as string, moment);
  const [start, end] = [moment.fromMs / 1000, moment.toMs / 1000];
  const params =
    target.instant === true
      ? { query, time: String(end) }
      : { query, start: String(start), end: String(end), step: String(moment.intervalS ?? 60) };
  const path = target.instant === true ? 'query' : 'query_range';
  const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(params)}`);
  const answer = (await response.json()) as PromAnswer;
  if (answer.status !== 'success') throw new Error(`${query}: ${answer.error}`);
  return answer.data.result.flatMap(({ metric, value, values }) => {
    const numbers = (value === undefined ? (values ?? []) : [value]).map(([, text]) => Number(text));
    const last = numbers.filter((each) => !Number.isNaN(each)).at(-1);
    return last === undefined ? [] : [{ labels: metric, value: last }];
  });
}

/** As the ClickHouse data source asks; 64-bit numbers are numbers. */
export async function askClickHouse(client: ClickHouseClient, sql: string, moment: Moment): Promise<Row[]> {
  const query = expandSql(sql, moment);
  const settings = {
    output_format_json_quote_64bit_integers: 0,
    output_format_json_quote_denormals: 1,
  } as const;
  try {
    const answer = await client.query({ query, format: 'JSONEachRow', clickhouse_settings: settings });
    return await answer.json<Row>();
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${query}`);
  }
}

/** A panel's query by title and letter. */
export function targetOf(board: Board, title: string, refId = 'A'): BoardTarget {
  const panel = board.panels.find((each) => each.title === title && each.type !== 'row');
  const target = panel?.targets?.find((each) => each.refId === refId);
  if (target === undefined) throw new Error(`${board.uid} has no panel ${title} with ${refId}`);
  return target;
}
