import type { Clock } from '../../../base/clock.ts';
import { isRetryable, toError } from '../../../base/errors.ts';
import type { HttpHandler } from '../../../flow/host.ts';
import { allowMethods, replyJson, replyText } from '../../../http/replies.ts';
import { compareText } from '../../../sampling/by-operation.ts';
import { type DecisionsReport, reportedDecision } from '../../../sampling/explain/decisions-report.ts';
import type { PollersState } from '../../../sampling/pollers/pollers-state.ts';
import type {
  Algorithm,
  ControlMode,
  DecidedOperation,
  SamplingStore,
} from '../../../sampling/store/store.ts';

export const DECISIONS_PATH = '/api/v1/sampling/decisions';
export const POLLERS_PATH = '/api/v1/sampling/pollers';

const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 100_000;
const HISTORY_MS = 3_600_000;
const NO_STORE = { 'cache-control': 'no-store' };

/** What stands and why, wherever it was decided. */
export interface DecisionSource {
  readonly algorithm: Algorithm;
  readonly mode: ControlMode;
  /** [] in a process that does not decide: then the store is asked. */
  readonly standing: () => readonly DecidedOperation[];
  readonly store: Pick<SamplingStore, 'latestDecisions' | 'history'>;
}

/** `?service=`, `?operation=` (both exact; an empty operation is the service's default), `?limit=`. */
export function createDecisionsHandler(
  source: DecisionSource | undefined,
  version: () => number,
  clock: Clock,
): HttpHandler {
  return async (request, response, url) => {
    if (!allowMethods(request, response, ['GET'])) return;
    try {
      const report = await decisionsReport(source, version(), url.searchParams, clock.wallMs());
      replyJson(response, 200, report, NO_STORE);
    } catch (error) {
      replyText(response, isRetryable(error) ? 503 : 500, `${toError(error).message}\n`);
    }
  };
}

/** Who polls, by service and address; with `?service=` of that service alone. */
export function createPollersHandler(pollers: () => PollersState): HttpHandler {
  return (request, response, url) => {
    if (!allowMethods(request, response, ['GET'])) return;
    const wanted = url.searchParams.get('service');
    const state = pollers();
    const services =
      wanted === null ? state.services : state.services.filter(({ service }) => service === wanted);
    replyJson(response, 200, { ...state, services }, NO_STORE);
  };
}

async function decisionsReport(
  source: DecisionSource | undefined,
  version: number,
  params: URLSearchParams,
  nowMs: number,
): Promise<DecisionsReport> {
  if (source === undefined) return { algorithm: null, mode: null, version, matching: 0, decisions: [] };
  const { algorithm, mode, store } = source;
  let standing = source.standing();
  if (standing.length === 0) standing = (await store.latestDecisions())?.decisions ?? [];
  const [service, operation] = [params.get('service'), params.get('operation')];
  const matching = standing
    .filter((each) => service === null || each.service === service)
    .filter((each) => operation === null || each.operation === operation)
    .sort((a, b) => compareText(a.service, b.service) || compareText(a.operation, b.operation));
  const decisions = matching.slice(0, limitOf(params)).map(reportedDecision);
  const [only] = decisions;
  if (service !== null && operation !== null && only !== undefined) {
    const history = await store.history(service, operation, nowMs - HISTORY_MS);
    return { algorithm, mode, version, matching: 1, decisions: [{ ...only, history }] };
  }
  return { algorithm, mode, version, matching: matching.length, decisions };
}

function limitOf(params: URLSearchParams): number {
  const limit = Number(params.get('limit') ?? DEFAULT_LIMIT);
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, MAX_LIMIT) : DEFAULT_LIMIT;
}
