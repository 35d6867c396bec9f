import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  PanelBuilder as AnyPanelBuilder,
  DashboardLinkBuilder,
  type DynamicConfigValue,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as HeatmapBuilder, YAxisConfigBuilder } from '@grafana/grafana-foundation-sdk/heatmap';
import {
  ArcOptionBuilder,
  EdgeOptionsBuilder,
  PanelBuilder as NodeGraphBuilder,
  NodeOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/nodegraph';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** What every panel has. A description is what the reader finds under the (i). */
export interface PanelText {
  readonly title: string;
  readonly description: string;
  /** Grafana's id of it. */
  readonly unit?: string;
  /** Of 24; default 12. */
  readonly width?: number;
  /** Default 8. */
  readonly height?: number;
}

type Target = Builder<Dataquery>;

interface Common<P> {
  title(title: string): P;
  description(description: string): P;
  span(width: number): P;
  height(height: number): P;
  targets(targets: Target[]): P;
}

function dressed<P extends Common<P>>(panel: P, text: PanelText, targets: readonly Target[]): P {
  const { title, description, width = 12, height = 8 } = text;
  return panel
    .title(title)
    .description(description)
    .span(width)
    .height(height)
    .targets([...targets]);
}

/** Lines over time. */
export function lines(text: PanelText, ...targets: readonly Target[]): TimeSeriesBuilder {
  return dressed(new TimeSeriesBuilder(), text, targets)
    .unit(text.unit ?? 'short')
    .min(0)
    .fillOpacity(8)
    .lineWidth(1)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
}

/** Lines that add up. */
export function stack(text: PanelText, ...targets: readonly Target[]): TimeSeriesBuilder {
  return lines(text, ...targets)
    .fillOpacity(40)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
}

/** Columns over time. */
export function columns(text: PanelText, ...targets: readonly Target[]): TimeSeriesBuilder {
  return lines(text, ...targets)
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(60);
}

/** One number. */
export function figure(text: PanelText, ...targets: readonly Target[]): StatBuilder {
  return dressed(new StatBuilder(), { width: 4, height: 4, ...text }, targets)
    .unit(text.unit ?? 'short')
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false));
}

/** A table; of several queries, one row for each set of labels. */
export function table(text: PanelText, ...targets: readonly Target[]): TableBuilder {
  const panel = dressed(new TableBuilder(), text, targets).unit(text.unit ?? 'short');
  return targets.length > 1 ? panel.withTransformation({ id: 'merge', options: {} }) : panel;
}

/** Durations by frequency. */
export function heat(text: PanelText, target: Target): HeatmapBuilder {
  return dressed(new HeatmapBuilder(), text, [target])
    .calculate(false)
    .yAxis(new YAxisConfigBuilder().unit(text.unit ?? 'ms'))
    .cellGap(1)
    .showLegend();
}

export function graph(text: PanelText, nodes: readonly Target[], edges: Target): NodeGraphBuilder {
  return dressed(new NodeGraphBuilder(), text, [...nodes, edges])
    .nodes(
      new NodeOptionsBuilder()
        .mainStatUnit('reqps')
        .secondaryStatUnit('ms')
        .arcs([
          new ArcOptionBuilder().field('arc__failed').color('red'),
          new ArcOptionBuilder().field('arc__ok').color('green'),
        ]),
    )
    .edges(new EdgeOptionsBuilder().mainStatUnit('reqps').secondaryStatUnit('ms'));
}

/** A waterfall. */
export function trace(text: PanelText, target: Target): AnyPanelBuilder {
  return dressed(new AnyPanelBuilder().type('traces'), text, [target]);
}

/** Colours from green to red at these values. */
export function limits(warnAt: number, badAt: number): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: 'green' },
    { value: warnAt, color: 'orange' },
    { value: badAt, color: 'red' },
  ]);
}

/** Colours from red to green. */
export function goals(fairAt: number, goodAt: number): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: 'red' },
    { value: fairAt, color: 'orange' },
    { value: goodAt, color: 'green' },
  ]);
}

export function link(title: string, url: string): DashboardLinkBuilder {
  return new DashboardLinkBuilder(title).url(url);
}

/** Of a table's column. */
export function linked(title: string, url: string): DynamicConfigValue {
  return { id: 'links', value: [{ title, url }] };
}

export function inUnit(unit: string): DynamicConfigValue {
  return { id: 'unit', value: unit };
}

/** Names for a merged table's columns, in their order; what is named '' is hidden. */
export function naming(names: Readonly<Record<string, string>>): {
  id: string;
  options: object;
} {
  const shown = Object.entries(names).filter(([, name]) => name !== '');
  const hidden = Object.entries(names).filter(([, name]) => name === '');
  return {
    id: 'organize',
    options: {
      indexByName: Object.fromEntries(shown.map(([field], index) => [field, index])),
      renameByName: Object.fromEntries(shown),
      excludeByName: Object.fromEntries(hidden.map(([field]) => [field, true])),
    },
  };
}
