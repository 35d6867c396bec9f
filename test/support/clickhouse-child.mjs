// @ts-check
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DataType, load, open } from 'ffi-rs';

/**
 * The process that is a ClickHouse server: node clickhouse-child.mjs DATA_DIR HTTP_PORT TCP_PORT. The
 * entry of clickhouse-local is called on this process' main thread and returns when its last query is killed.
 */
const [dir, httpPort, tcpPort] = process.argv.slice(2);

const require = createRequire(createRequire(import.meta.url).resolve('chdb'));
const library = join(
  dirname(require.resolve(`@chdb/lib-${process.platform}-${process.arch}-gnu`)),
  'libchdb.so',
);

const queries = [
  'SYSTEM START LISTEN HTTP',
  'SYSTEM START LISTEN TCP',
  'SELECT sleepEachRow(1) FROM system.numbers FORMAT Null SETTINGS max_block_size = 1',
];
const args = [
  'clickhouse',
  `--path=${dir}`,
  `--http_port=${httpPort}`,
  `--tcp_port=${tcpPort}`,
  '--listen_host=127.0.0.1',
  `--query=${queries.join('; ')}`,
];

open({ library: 'chdb', path: library });
load({
  library: 'chdb',
  funcName: 'chdb_query_cmdline',
  retType: DataType.I64,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [args.length, args],
});
