import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  CustomVariableBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { CLICKHOUSE, PROMETHEUS } from './queries.ts';

type Variable = Builder<VariableModel>;

export function prometheusVariable(): Variable {
  return new DatasourceVariableBuilder('prometheus').label('Prometheus').type('prometheus');
}

export function clickHouseVariable(): Variable {
  return new DatasourceVariableBuilder('clickhouse').label('ClickHouse').type(CLICKHOUSE.type);
}

/** The values of a label; any number of them, all to begin with. */
export function labelVariable(name: string, label: string, metric: string, of: string): Variable {
  const query = `label_values(${metric}, ${of})`;
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(PROMETHEUS)
    .query({ query, refId: `variable-${name}`, qryType: 1 })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ text: 'All', value: '$__all' });
}

/** The rows of a query's only column; any number of them, all to begin with. */
export function sqlVariable(name: string, label: string, sql: string): Variable {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(CLICKHOUSE)
    .query(sql)
    .definition(sql)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .current({ text: 'All', value: '$__all' });
}

/** One of a query's rows: the first, to begin with. */
export function sqlChoice(name: string, label: string, sql: string): Variable {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(CLICKHOUSE)
    .query(sql)
    .definition(sql)
    .refresh(VariableRefresh.OnDashboardLoad)
    .sort(VariableSort.AlphabeticalAsc);
}

/** One of a fixed list. */
export function choice(name: string, label: string, values: readonly string[], first: string): Variable {
  return new CustomVariableBuilder(name)
    .label(label)
    .values(values.join(','))
    .current({ text: first, value: first })
    .options(values.map((value) => ({ text: value, value, selected: value === first })));
}

/** Some of a fixed list. */
export function choices(
  name: string,
  label: string,
  values: readonly string[],
  first: readonly string[],
): Variable {
  return new CustomVariableBuilder(name)
    .label(label)
    .values(values.join(','))
    .multi(true)
    .current({ text: [...first], value: [...first] })
    .options(values.map((value) => ({ text: value, value, selected: first.includes(value) })));
}

export function textVariable(name: string, label: string, first = ''): Variable {
  return new TextBoxVariableBuilder(name)
    .label(label)
    .defaultValue(first)
    .current({ text: first, value: first });
}
