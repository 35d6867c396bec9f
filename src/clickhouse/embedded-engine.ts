import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SpanweirError } from '../base/errors.ts';

/** Which program is the server: the shared library of npm's chdb, or a `clickhouse` binary. */
export type Engine =
  | { readonly kind: 'library'; readonly file: string }
  | { readonly kind: 'binary'; readonly file: string };

export interface EngineSettings {
  readonly directory: string;
  readonly host: string;
  readonly httpPort: number;
  readonly nativePort: number;
  readonly maxServerMemoryBytes: number;
  /** More of the server's configuration, XML. */
  readonly moreConfig?: string;
}

/** What the child process is told (as JSON in its one argument). */
export interface HostOrder {
  readonly engine: Engine;
  readonly arguments: readonly string[];
  readonly host: string;
  readonly httpPort: number;
  readonly nonce: string;
}

const LIBRARY_PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@chdb/lib-linux-x64-gnu',
  'linux-arm64': '@chdb/lib-linux-arm64-gnu',
  'darwin-x64': '@chdb/lib-darwin-x64',
  'darwin-arm64': '@chdb/lib-darwin-arm64',
};

/** Begins the query in which the library's only thread of control sleeps while the server serves. */
export const KEEPER_PREFIX = 'SELECT sleepEachRow';

/** What the child says when there is no binary; turned into words for the user by `noEngine`. */
export const NO_BINARY = 'no clickhouse on PATH';

/** The library where npm has one for this platform ("linux-x64"), else a binary to be looked up on PATH. */
export function findEngine(platform: string): Engine {
  const library = findLibrary(platform);
  return library === undefined ? { kind: 'binary', file: 'clickhouse' } : { kind: 'library', file: library };
}

export function noEngine(platform: string): SpanweirError {
  return new SpanweirError(
    'START',
    `there is no embedded ClickHouse for ${platform} and no "clickhouse" on PATH: ` +
      'set exporters.clickhouse.endpoint to the URL of a ClickHouse server and leave embedded_clickhouse out',
  );
}

function findLibrary(platform: string): string | undefined {
  const name = LIBRARY_PACKAGES[platform];
  if (name === undefined) return undefined;
  // chdb's own dependencies may be nested under it, so look from there.
  for (const from of [chdbManifest(), import.meta.url]) {
    if (from === undefined) continue;
    try {
      const file = join(dirname(createRequire(from).resolve(`${name}/package.json`)), 'libchdb.so');
      if (existsSync(file)) return file;
    } catch {
      // Not installed for this platform.
    }
  }
  return undefined;
}

function chdbManifest(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve('chdb/package.json');
  } catch {
    return undefined;
  }
}

/** How the engine is called. `nonce` marks this very process, so that a stranger on the port is told apart. */
export function engineArguments(engine: Engine, settings: EngineSettings, files: EngineFiles): string[] {
  if (engine.kind === 'binary') return ['server', `--config-file=${files.config}`];
  return [
    'clickhouse',
    `--config-file=${files.config}`,
    `--path=${settings.directory}`,
    `--http_port=${settings.httpPort}`,
    `--tcp_port=${settings.nativePort}`,
    `--listen_host=${settings.host}`,
    '--query',
    `SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; ${keeperQuery(files.nonce)}`,
  ];
}

export interface EngineFiles {
  readonly config: string;
  readonly nonce: string;
}

/** Short naps, because the end of one is when the engine notices that it is to stop. */
function keeperQuery(nonce: string): string {
  return (
    `${KEEPER_PREFIX}(0.25) AS ${nonce} FROM numbers(1000000000) SETTINGS max_block_size = 1, ` +
    'function_sleep_max_microseconds_per_block = 0, max_execution_time = 0, max_rows_to_read = 0 FORMAT Null'
  );
}

/** Answers 1 when the engine with that nonce serves on both its ports. */
export function readinessQuery(engine: Engine, nonce: string): string {
  return engine.kind === 'library'
    ? `SELECT count() FROM system.processes WHERE query LIKE '${KEEPER_PREFIX}%${nonce}%'`
    : `SELECT toUInt8(displayName() = '${nonce}')`;
}

/** Server settings that keep a laptop a laptop; for a binary also everything that a server must be told. */
export function engineConfig(engine: Engine, settings: EngineSettings, nonce: string): string {
  const memory = settings.maxServerMemoryBytes;
  const cache = Math.max(16 << 20, Math.floor(memory / 16));
  const values: Record<string, string | number> = {
    max_server_memory_usage: memory,
    mark_cache_size: cache,
    primary_index_cache_size: cache,
    index_mark_cache_size: Math.floor(cache / 4),
    uncompressed_cache_size: 0,
    text_index_tokens_cache_size: Math.floor(cache / 4),
    text_index_header_cache_size: Math.floor(cache / 4),
    text_index_postings_cache_size: Math.floor(cache / 4),
    vector_similarity_index_cache_size: 0,
    compiled_expression_cache_size: 32 << 20,
    max_concurrent_queries: 200,
    // Seconds that it waits at its end for connections, which idle ones use up in full.
    shutdown_wait_unfinished: 2,
    // Well above the 2.5 s after which clients close what they don't use: on a busy machine they are late, and an insert over
    // a connection that is being closed is one whose outcome is in doubt.
    keep_alive_timeout: 10,
  };
  const rows = Object.entries(values).map(([name, value]) => `  <${name}>${value}</${name}>`);
  if (engine.kind === 'binary') rows.push(...serverRows(settings, nonce));
  if (settings.moreConfig !== undefined) rows.push(settings.moreConfig);
  return `<clickhouse>\n${rows.join('\n')}\n</clickhouse>\n`;
}

/** A binary reads no arguments for these; system log tables are left out, so none of them can grow. */
function serverRows(settings: EngineSettings, nonce: string): string[] {
  const directory = escapeXml(settings.directory);
  return [
    `  <display_name>${nonce}</display_name>`,
    `  <path>${directory}/</path>`,
    `  <tmp_path>${directory}/tmp/</tmp_path>`,
    `  <http_port>${settings.httpPort}</http_port>`,
    `  <tcp_port>${settings.nativePort}</tcp_port>`,
    `  <listen_host>${escapeXml(settings.host)}</listen_host>`,
    '  <logger><level>warning</level><console>1</console></logger>',
    '  <profiles><default/></profiles><quotas><default/></quotas>',
    '  <users><default><password/><networks><ip>::/0</ip></networks><profile>default</profile>' +
      '<quota>default</quota><access_management>1</access_management></default></users>',
  ];
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
