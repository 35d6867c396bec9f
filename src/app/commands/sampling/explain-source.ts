import { SpanweirError, toError } from '../../../base/errors.ts';
import { ClickHouse } from '../../../clickhouse/client.ts';
import { createSamplingStore } from '../../../clickhouse/sampling-store.ts';
import { type DecisionsReport, reportedDecision } from '../../../sampling/explain/decisions-report.ts';
import type { PollersState } from '../../../sampling/pollers/pollers-state.ts';

/** What a source says of decisions. */
export type FoundDecisions = Pick<DecisionsReport, 'mode' | 'decisions'>;

/** Where decisions and their reasons are read. */
export interface ExplainSource {
  /** With the operation: that one, with its history. */
  decisions(service: string | undefined, operation: string | undefined): Promise<FoundDecisions>;
  /** Undefined where it can't be told. */
  pollers(service: string): Promise<PollersState | undefined>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 10_000;
const HISTORY_MS = 3_600_000;

/** A running engine: its page, or the address that SDKs ask. */
export function engineSource(base: string): ExplainSource {
  const get = async <T>(path: string, query: Readonly<Record<string, string | undefined>>): Promise<T> => {
    const url = new URL(path, base.endsWith('/') ? base : `${base}/`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, value);
    let response: Response;
    try {
      response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      const text = `no answer from ${url.origin} (is it the page of a running engine?): ${toError(error).message}`;
      throw new SpanweirError('UNAVAILABLE', text, { cause: error, retry: 'backoff' });
    }
    if (!response.ok) {
      throw new SpanweirError(
        'REFUSED',
        `${url.origin} answered ${response.status}: ${await response.text()}`,
      );
    }
    return (await response.json()) as T;
  };
  return {
    decisions: async (service, operation) => {
      const query = { service, operation, limit: '100000' };
      return await get<FoundDecisions>('api/v1/sampling/decisions', query);
    },
    pollers: (service) => get<PollersState>('api/v1/sampling/pollers', { service }),
    close: () => Promise.resolve(),
  };
}

/** The tables, whether an engine runs or not. */
export function tableSource(url: string, database: string, nowMs: () => number): ExplainSource {
  const { username, password, origin } = new URL(url);
  const client = new ClickHouse({
    url: origin,
    username: decodeURIComponent(username) || 'default',
    password: decodeURIComponent(password),
    database,
    timeoutMs: TIMEOUT_MS,
    maxConnections: 2,
    gzip: false,
    settings: {},
  });
  const store = createSamplingStore(client);
  return {
    decisions: async (service, operation) => {
      const latest = await store.latestDecisions();
      const mode = latest?.mode ?? null;
      const found = (latest?.decisions ?? [])
        .filter((each) => service === undefined || each.service === service)
        .filter((each) => operation === undefined || each.operation === operation)
        .map(reportedDecision);
      if (service === undefined || operation === undefined) return { mode, decisions: found };
      const history = await store.history(service, operation, nowMs() - HISTORY_MS);
      return { mode, decisions: found.map((each) => ({ ...each, history })) };
    },
    pollers: () => Promise.resolve(undefined),
    close: () => client.close(),
  };
}
