import { renderTable } from '../../src/app/commands/query/render.ts';
import type { ClickHouse } from '../../src/clickhouse/client.ts';
import { readQueries } from '../../src/clickhouse/queries/catalogue.ts';
import type { NamedQuery } from '../../src/clickhouse/queries/query-file.ts';
import { type QueryContext, runQuery } from '../../src/clickhouse/queries/run-query.ts';
import { expectedOf } from '../../src/clickhouse/queries/values.ts';
import { SHOP_END_S, traceId } from '../../test/support/shop.ts';

/** As a configuration would have it that keeps RED rows for ever, at the moment that the shop's ten minutes are over. */
export const SHOP_CONTEXT: QueryContext = {
  nowMs: SHOP_END_S * 1000,
  kept: { span_metrics_10s: 0, span_metrics_1m: 0, span_metrics_1h: 0, span_metrics_1d: 0 },
};

/** What is asked of the shop on each query's page. */
export const SAMPLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'burn-rate': { service: 'checkout' },
  changes: { from: '10m' },
  dependencies: { from: '10m' },
  'error-budget': { service: 'frontend', slower: '500ms', objective: '0.95', from: '10m' },
  'failing-operations': { from: '10m' },
  operations: { service: 'frontend', kind: 'all', from: '10m' },
  quantiles: { by: 'service,http.route', service: 'frontend', quantiles: '0.5,0.95', from: '10m' },
  'rare-operations': { from: '2026-05-01', to: '2026-05-02' },
  red: { service: 'frontend', from: '10m', step: '2m' },
  release: { service: 'checkout', release: '1.1.0', against: '1.0.0', from: '10m' },
  'sampling-effect': { from: '10m' },
  'service-graph': { from: '10m' },
  services: { from: '10m' },
  'slowest-operations': { from: '10m' },
  trace: { id: traceId({ day: 1, i: 300 }, 1) },
  traces: { attribute: 'user.id', value: 'u3', longer: '500ms', from: '10m', limit: '3' },
  versions: { service: 'checkout' },
};

/** The pages in docs/queries, by their names. */
export async function renderQueryPages(client: ClickHouse): Promise<Readonly<Record<string, string>>> {
  const pages: Record<string, string> = { 'README.md': renderIndex([...readQueries().values()]) };
  for (const query of readQueries().values()) {
    const given = SAMPLES[query.name] ?? {};
    const answer = await runQuery(client, query, given, SHOP_CONTEXT);
    pages[`${query.name}.md`] = renderPage(query, given, renderTable(answer, 'table'));
  }
  return pages;
}

function renderIndex(queries: readonly NamedQuery[]): string {
  const rows = queries.map(({ name, title }) => `| [\`${name}\`](${name}.md) | ${title} |\n`);
  return `# Named queries

\`spanweir query\` lists them, \`spanweir query NAME --help\` says what one takes, and
\`spanweir query NAME --config FILE --PARAMETER=VALUE\` asks it; \`--format json\` and \`--format csv\` are for programs, \`--sql\`
prints the statement with its values for any other client. \`--clickhouse URL --database NAME\` stands in for a configuration.
Names, numbers and texts travel as ClickHouse's own parameters, never as part of the statement.

\`spanweir top\` shows \`services\` and \`operations\` as they are now, again and again.

Queries over RED metrics read each part of their range from the coarsest table that has it exactly: whole UTC days from
\`span_metrics_1d\`, hours, minutes and 10 s windows at the ends.

- Times such as \`2026-05-01T12:00:00Z\` are kept to 10 s: both ends go down to the last window of 10 s, or outward to the finest
  windows that are still kept of that time (\`ttl\` of the clickhouse exporter).
- A beginning that is told as so long ago goes back to a whole minute (from 24 minutes on), hour (24 h) or UTC day (24 d), and an
  end that is \`now\` takes all that is there, so that a month is a few rows of one table. Rates are per second of the time that was read;
  \`--format table\` says on stderr which that is. \`changes\` compares equal ranges, so it ends with a window of 10 s.
- A step has to be made of windows that are still kept, and the range begins with a whole one.

The files are in [sql/queries](../../sql/queries). These pages and their answers are made by
\`npx tsx scripts/docs/write-query-pages.ts\` from a small shop whose numbers are known (\`test/support/shop.ts\`).

| query | what it tells |
|---|---|
${rows.join('')}`;
}

function renderPage(query: NamedQuery, given: Readonly<Record<string, string>>, answer: string): string {
  const rows = query.parameters.map((parameter) => {
    const { name, kind, initial, about } = parameter;
    const start = initial === undefined ? 'required' : initial === '' ? '' : `\`${initial}\``;
    const value = kind === 'text' ? 'text' : expectedOf(parameter);
    return `| \`${name}\` | ${value} | ${start} | ${about} |\n`;
  });
  const options = Object.entries(given).map(([name, value]) => ` --${name}=${value}`);
  return `# ${query.title}

${query.about}

| parameter | value | default | meaning |
|---|---|---|---|
${rows.join('')}
## A sample

    spanweir query ${query.name} --config FILE${options.join('')}

${answer
  .split('\n')
  .map((line) => `    ${line}`)
  .join('\n')}

The statement: [sql/queries/${query.name}.sql](../../sql/queries/${query.name}.sql).
`;
}
