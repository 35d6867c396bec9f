import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  RowBuilder,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard';

/** On each dashboard: the links between them are made of it. */
export const TAG = 'spanweir';

export interface Plan {
  /** Also the file's name. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Builder<VariableModel>[];
  readonly sections: readonly Section[];
  /** Default the last hour. */
  readonly from?: string;
}

export interface Section {
  readonly title: string;
  readonly panels: readonly NumberedPanel[];
}

interface NumberedPanel extends Builder<Panel> {
  id(id: number): this;
}

/** A dashboard whose panels are numbered in their order and stand row by row. */
export function assemble(plan: Plan): Dashboard {
  const board = new DashboardBuilder(plan.title)
    .uid(plan.uid)
    .description(plan.description)
    .tags([TAG])
    .editable()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: plan.from ?? 'now-1h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .variables([...plan.variables])
    .link(
      new DashboardLinkBuilder('Spanweir')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .keepTime(true),
    );
  let id = 1;
  for (const { title, panels } of plan.sections) {
    board.withRow(new RowBuilder(title).id(id++));
    for (const panel of panels) board.withPanel(panel.id(id++));
  }
  return board.build();
}
