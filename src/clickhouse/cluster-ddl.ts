import { SpanweirError } from '../base/errors.ts';
import { LOCAL, quoted } from './client.ts';
import { literal } from './service-graph/edge-sql.ts';

/** How the schema lies on several servers. */
export interface ClusterLayout {
  /** In `remote_servers`. */
  readonly name: string;
  /** Statements carry ON CLUSTER, so that all replicas run them; else each is for the server that it is sent to. */
  readonly onCluster: boolean;
  /** Tables are Replicated*, under the macros {shard} and {replica}. */
  readonly replicated: boolean;
}

/** Room for ClickHouse's own macros: every table and shard has a place of its own in Keeper. */
const KEEPER_PATH = '/clickhouse/tables/{shard}/{database}/{table}';

/**
 * What a statement of sql/ becomes on a cluster. A table becomes `<table>_local` with a Distributed table of its name
 * in front; materialized views carry rows from local table to local table; plain views read what they always read. The
 * Distributed tables have no sharding key: ClickHouse refuses rows that are inserted into them where there are several shards.
 * Throws START for a statement that it does not know.
 */
export function clusterStatements(statement: string, database: string, layout: ClusterLayout): string[] {
  const on = onCluster(layout);
  const [, kind, name = ''] =
    /^CREATE (DATABASE|TABLE|MATERIALIZED VIEW|VIEW|FUNCTION) IF NOT EXISTS ([^\s(]+)/m.exec(statement) ?? [];
  const head = `CREATE ${kind} IF NOT EXISTS ${name}`;
  const named = (local: string): string => `CREATE ${kind} IF NOT EXISTS ${name}${local}${on}`;
  switch (kind) {
    case 'TABLE':
      return [
        withEngine(localNames(statement, database, 'AS').replace(head, named(LOCAL)), layout),
        `CREATE TABLE IF NOT EXISTS ${name}${on} AS ${name}${LOCAL}\n` +
          `ENGINE = Distributed(${literal(layout.name)}, ${literal(database)}, ${literal(tableOf(name) + LOCAL)})`,
      ];
    case 'MATERIALIZED VIEW':
      return [localNames(statement, database, 'TO|FROM').replace(head, named(''))];
    case undefined:
      throw new SpanweirError('START', `sql/ has a statement that can't be run on a cluster: ${statement}`);
    default:
      return [statement.replace(head, named(''))];
  }
}

/** ' ON CLUSTER `name`', or nothing. */
export function onCluster({ name, onCluster: is }: ClusterLayout): string {
  return is ? ` ON CLUSTER ${quoted(name)}` : '';
}

function tableOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** Tables that are named behind one of the words become local ones. */
function localNames(statement: string, database: string, words: string): string {
  const start = `${quoted(database)}.`;
  return statement
    .split('\n')
    .map((line) =>
      line.replace(new RegExp(`\\b(${words}) (\\S+\\.)(\\w+)`, 'g'), (all, word, prefix, table) =>
        prefix === start && !line.startsWith('--') ? `${word} ${prefix}${table}${LOCAL}` : all,
      ),
    )
    .join('\n');
}

function withEngine(statement: string, { replicated }: ClusterLayout): string {
  if (!replicated) return statement;
  return statement
    .replace(/^ENGINE = (\w*MergeTree)(?:\(([^)]*)\))?/m, (_, engine: string, given: string | undefined) => {
      const more = given === undefined ? '' : `, ${given}`;
      return `ENGINE = Replicated${engine}(${literal(KEEPER_PATH)}, '{replica}'${more})`;
    })
    .replace(
      /non_replicated_deduplication_window = (\d+)/,
      'replicated_deduplication_window = $1, replicated_deduplication_window_seconds = 604800',
    );
}
