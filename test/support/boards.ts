import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What tests read of a dashboard's JSON. */
export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly BoardPanel[];
  readonly templating: { readonly list: readonly BoardVariable[] };
}

export interface BoardPanel {
  readonly id: number;
  /** 'row' for a heading. */
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly BoardTarget[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly transformations?: readonly { readonly id: string; readonly options: object }[];
}

export interface BoardTarget {
  readonly refId: string;
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly expr?: string;
  readonly instant?: boolean;
  readonly exemplar?: boolean;
  readonly format?: string | number;
  readonly rawSql?: string;
}

export interface BoardVariable {
  readonly name: string;
  readonly type: string;
  readonly query?: string | { readonly query: string };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly allValue?: string;
  readonly multi?: boolean;
  readonly current?: { readonly value?: string | readonly string[] };
}

export const BOARD_FOLDER = join(import.meta.dirname, '../../grafana/dashboards');

/** The dashboards as they are committed. */
export function committedBoards(): Board[] {
  const names = readdirSync(BOARD_FOLDER).filter((name) => name.endsWith('.json'));
  return names.map((name) => JSON.parse(readFileSync(join(BOARD_FOLDER, name), 'utf8')) as Board);
}

/** A panel and one of its queries. */
export interface BoardQuery {
  readonly board: Board;
  readonly panel: BoardPanel;
  readonly target: BoardTarget;
  /** For messages. */
  readonly name: string;
}

export function queriesOf(board: Board): BoardQuery[] {
  return board.panels.flatMap((panel) =>
    (panel.targets ?? []).map((target) => ({
      board,
      panel,
      target,
      name: `${board.uid} / ${panel.title} ${target.refId}`,
    })),
  );
}
