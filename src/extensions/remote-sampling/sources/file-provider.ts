import { readFile } from 'node:fs/promises';
import { STATUS_CODES } from 'node:http';
import type { ComponentContext } from '../../../base/component.ts';
import { SpanweirError, toError } from '../../../base/errors.ts';
import type { StrategySnapshot } from '../../../sampling/strategies/snapshot.ts';
import {
  type FileStrategies,
  type FileWarning,
  fileStrategies,
  parseStrategiesFile,
  type StrategiesFile,
} from '../../../sampling/strategies/strategies-file.ts';
import type { FileConfig } from '../serving/serving-config.ts';
import type { StrategyProvider } from '../strategy-provider.ts';

const NOTHING = 'null';
const URL_TIMEOUT_MS = 1000;

export type FileContext = Pick<ComponentContext, 'clock' | 'log' | 'instruments' | 'health'>;

/** What a file said when it was last read, and what it comes to. */
export interface LoadedFile {
  readonly file: StrategiesFile | null;
  readonly strategies: FileStrategies;
  readonly defaultProbability: number;
}

export interface FileProvider extends StrategyProvider {
  /** Replaced whole. */
  readonly loaded: LoadedFile;
}

/**
 * Strategies from a file or a URL, read again every `reload_interval`. What can't be read or understood at the
 * start is an error; later the last good strategies stay.
 */
export function createFileProvider(
  config: FileConfig,
  context: FileContext,
  isWorthTelling: (warning: FileWarning) => boolean = () => true,
): FileProvider {
  const { clock, log, instruments, health } = context;
  const reloads = (result: string) => instruments.counter('spanweir_sampling_file_reloads_total', { result });
  const [changed, unchanged, failed] = [reloads('changed'), reloads('unchanged'), reloads('failed')];
  const stopping = new AbortController();
  let loaded = load(NOTHING, config);
  let snapshot = snapshotOf(loaded, clock.wallMs());
  let lastText = NOTHING;
  let loop: Promise<void> | undefined;

  const take = (text: string): void => {
    loaded = load(text, config);
    snapshot = snapshotOf(loaded, clock.wallMs());
    lastText = text;
    for (const warning of loaded.strategies.warnings) {
      const { message, service, strategy } = warning;
      if (isWorthTelling(warning)) log.warn({ service, strategy }, message);
    }
  };
  const reload = async (): Promise<void> => {
    let text: string;
    try {
      text = await readSource(config.path);
    } catch (error) {
      failed.add(1);
      log.error({ err: toError(error) }, 'failed to re-load sampling strategies');
      health.report('recoverable', toError(error).message);
      return;
    }
    if (text === lastText) {
      unchanged.add(1);
      health.report('ok');
      return;
    }
    try {
      take(text);
    } catch (error) {
      failed.add(1);
      log.error({ err: toError(error) }, 'failed to update sampling strategies');
      health.report('recoverable', toError(error).message);
      return;
    }
    changed.add(1);
    health.report('ok');
    log.info({ services: snapshot.services.size }, 'updated sampling strategies');
  };
  const run = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(config.reload_interval, stopping.signal);
      if (stopping.signal.aborted) return;
      await reload();
    }
  };

  return {
    get snapshot() {
      return snapshot;
    },
    get loaded() {
      return loaded;
    },
    start: async () => {
      if (config.path === '') {
        log.info({}, 'No sampling strategies source provided, using defaults');
        health.report('ok');
        return;
      }
      const text = await readSource(config.path);
      if (text === NOTHING) {
        log.warn({}, 'No sampling strategies found or URL is unavailable, using defaults');
      }
      take(text);
      health.report('ok');
      if (config.reload_interval > 0) loop = run();
    },
    stop: async () => {
      stopping.abort();
      await loop;
    },
  };
}

function load(text: string, { default_sampling_probability: defaultProbability }: FileConfig): LoadedFile {
  const file = parseStrategiesFile(text);
  return { file, strategies: fileStrategies(file, defaultProbability), defaultProbability };
}

function snapshotOf({ strategies }: LoadedFile, nowMs: number): StrategySnapshot {
  const { fallback, services } = strategies;
  return { version: 0, madeAtMs: nowMs, fallback, services };
}

/** The text of a file, or of a URL when `path` has a scheme and a host. */
async function readSource(path: string): Promise<string> {
  const url = URL.canParse(path) ? new URL(path) : undefined;
  if (url !== undefined && url.host !== '') return download(path);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const text = `failed to read strategies file ${path}: ${toError(error).message}`;
    throw new SpanweirError('START', text, { cause: error });
  }
}

async function download(url: string): Promise<string> {
  let status: number;
  let body: string;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(URL_TIMEOUT_MS) });
    status = response.status;
    body = await response.text();
  } catch (error) {
    const text = `failed to download sampling strategies from ${url}: ${toError(error).message}`;
    throw new SpanweirError('UNAVAILABLE', text, { cause: error, retry: 'backoff' });
  }
  if (status === 200) return body;
  if (status === 503) return NOTHING;
  const name = `${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  throw new SpanweirError('REFUSED', `receiving ${name} while downloading strategies file: ${body}`);
}
