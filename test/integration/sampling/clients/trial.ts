import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureSamplingClients } from '../../../../scripts/parts/sampling-clients.mjs';
import { waitFor } from '../../../support/wait.ts';
import { type FileCase, PER_OPERATION, PLAIN } from './cases.ts';
import { Client } from './client.ts';
import { type Expected, judge, together, type Verdict } from './draws.ts';
import { NobodyThere } from './nobody-there.ts';
import { type Registered, registered } from './registered.ts';
import { RemoteSampler, type RemoteSamplerOptions } from './remote-sampler.ts';
import { endpointOf, environment, forEachSdk, ofEachSdk, type Ports, SDKS, type Sdk } from './sdks.ts';
import { INITIALLY, Serving } from './serving.ts';
import { toldFor, untilDecided } from './traffic.ts';

const POLL_MS = 250;
/** Slow enough that a busy machine does not blur it. */
const SLOW_POLL_MS = 1000;
/** So many polls in vain are enough to have noticed. */
const KNOCKS = 3;
/** And so many are enough to have taken what can be taken. */
const POLLS_OF_JAEGER = 12;

export const ADAPTIVE_UNDECIDED = 'adaptive, nothing known yet';

/** A row of the table. */
export interface Row {
  readonly name: string;
  readonly verdicts: Readonly<Record<Sdk, Verdict>>;
}

export interface TrialOptions {
  /** Of each operation. */
  readonly decisions: number;
  /** Of each operation where there are hundreds. */
  readonly decisionsOfMany: number;
}

interface Setting extends Omit<RemoteSamplerOptions, 'endpoint' | 'pollMs'> {
  readonly endpoint: string;
  /** Default: POLL_MS; null for none. */
  readonly pollMs?: number | null;
}

const BEFORE: Expected = [
  ['GET /', 0.25],
  ['not listed', 0.6],
  ['flip', 0],
];
const AFTER: Expected = [
  ['flip', 1],
  ['GET /', 0.5],
  ['not listed', 0.1],
];

/** The real samplers of all SDKs against the real engine. */
export class Trial {
  readonly #options: TrialOptions;
  readonly #dir: string;
  readonly #serving: Serving;
  readonly #clients: Readonly<Record<Sdk, Client>>;
  #samplers = 0;

  private constructor(
    options: TrialOptions,
    dir: string,
    serving: Serving,
    clients: Readonly<Record<Sdk, Client>>,
  ) {
    this.#options = options;
    this.#dir = dir;
    this.#serving = serving;
    this.#clients = clients;
  }

  static async start(options: TrialOptions): Promise<Trial> {
    const programs = await ensureSamplingClients();
    const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-clients-'));
    const serving = await Serving.create(dir);
    const env = environment(serving.caFile);
    const clients = await ofEachSdk(async (sdk) => new Client(sdk, programs[sdk], env));
    const trial = new Trial(options, dir, serving, clients);
    try {
      await serving.start(awayStrategies(BEFORE));
    } catch (error) {
      await trial.end();
      throw error;
    }
    return trial;
  }

  async end(): Promise<void> {
    await Promise.allSettled([...SDKS.map((sdk) => this.#clients[sdk].stop()), this.#serving.stop()]);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** What a file says of a service. */
  async served({ name, service, expected, instead, paths }: FileCase): Promise<Row> {
    const verdicts = await ofEachSdk(async (sdk) => {
      const path = paths?.[sdk];
      const endpoint = endpointOf(sdk, this.#serving.file, path === undefined ? {} : { path });
      return await this.#judge(sdk, { endpoint, service }, instead?.[sdk] ?? expected);
    });
    return { name, verdicts };
  }

  /** The same over TLS, with a certificate that only these clients trust. */
  async servedOverTls(): Promise<Row> {
    const { service, expected } = PER_OPERATION;
    const verdicts = await ofEachSdk(async (sdk) => {
      const endpoint = endpointOf(sdk, this.#serving.tls, { scheme: 'https' });
      return await this.#judge(sdk, { endpoint, service, caFile: this.#serving.caFile }, expected);
    });
    return { name: 'over TLS', verdicts };
  }

  /** Who the engine says polls for a service that one sampler of each SDK asks for, once it knows how often. */
  async recognised(): Promise<Record<Sdk, Registered | undefined>> {
    const { file } = this.#serving;
    const service = 'polled by all';
    await ofEachSdk((sdk) =>
      this.#configure(sdk, { endpoint: endpointOf(sdk, file), service, pollMs: SLOW_POLL_MS }, 0),
    );
    let last = forEachSdk<Registered | undefined>(() => undefined);
    // On a busy machine polls come so unevenly that one sampler can look like several slower ones.
    const isKnown = ({ intervalMs = 0, instances }: Registered): boolean =>
      intervalMs / instances > SLOW_POLL_MS / 2 && intervalMs / instances < SLOW_POLL_MS * 2;
    await waitFor(
      'the interval of every SDK is known',
      async () => {
        last = await registered(`http://127.0.0.1:${file.http}`, service);
        return SDKS.every((sdk) => last[sdk] !== undefined && isKnown(last[sdk]));
      },
      { deadlineMs: 60_000, everyMs: 200 },
    );
    return last;
  }

  /** The sampler of JavaScript without an interval polls without a pause; what the engine logs is the answer. */
  async withoutPause(): Promise<{ verdict: Verdict; log: string }> {
    const { service, expected } = PLAIN;
    const endpoint = endpointOf('js', this.#serving.file);
    const verdict = await this.#judge('js', { endpoint, service, pollMs: null }, expected);
    const log = await waitFor('the client that polls without a pause is named', () =>
      this.#serving
        .log()
        .split('\n')
        .find((line) => line.includes('without a pause')),
    );
    return { verdict, log };
  }

  /** Whether each SDK takes what Jaeger would have answered from the same file. */
  async takenFromJaeger({ service, expected }: FileCase): Promise<Readonly<Record<Sdk, boolean>>> {
    return await this.#taken(this.#serving.jaeger, service, expected);
  }

  /** The same for Jaeger's adaptive sampling, which knows nothing yet. */
  async takenFromAdaptiveJaeger(): Promise<Readonly<Record<Sdk, boolean>>> {
    return await this.#taken(this.#serving.jaegerAdaptive, 'unheard of', [['GET /', INITIALLY]]);
  }

  async #taken(ports: Ports, service: string, expected: Expected): Promise<Readonly<Record<Sdk, boolean>>> {
    const [operation, probability] = expected[0] ?? ['', 0];
    return await ofEachSdk(async (sdk) => {
      const sampler = await this.#configure(sdk, { endpoint: endpointOf(sdk, ports), service }, probability);
      return await sampler.isApplied(operation, POLLS_OF_JAEGER * POLL_MS);
    });
  }

  /** What the controller tells a service that it knows nothing of. */
  async undecided(): Promise<Row> {
    const { adaptive } = this.#serving;
    const verdicts = await ofEachSdk((sdk) =>
      this.#judge(sdk, { endpoint: endpointOf(sdk, adaptive), service: 'unheard of' }, [
        ['GET /', INITIALLY],
      ]),
    );
    return { name: ADAPTIVE_UNDECIDED, verdicts };
  }

  /** What the controller has decided of traffic that it has seen. */
  async decided(): Promise<Row> {
    const { adaptive } = this.#serving;
    const traffic = {
      otlpUrl: `http://127.0.0.1:${adaptive.otlp}`,
      samplingUrl: `http://127.0.0.1:${adaptive.http}`,
      service: 'adapting',
      rates: [
        ['GET /', 100],
        ['GET /cart', 40],
      ] as const,
    };
    const expected = await untilDecided(traffic, INITIALLY);
    const verdicts = await ofEachSdk((sdk) =>
      this.#judge(sdk, { endpoint: endpointOf(sdk, adaptive), service: traffic.service }, expected),
    );
    const now = await toldFor(traffic);
    if (JSON.stringify(now) !== JSON.stringify(expected)) {
      throw new Error(`without traffic ${JSON.stringify(expected)} became ${JSON.stringify(now)}`);
    }
    return { name: 'adaptive, decided from traffic', verdicts };
  }

  /** The server goes, stays away for some polls, and comes back with something else to tell. */
  async awayAndBack(): Promise<Row> {
    const { away } = this.#serving;
    const { decisions } = this.#options;
    const samplers = await ofEachSdk(async (sdk) => {
      const endpoint = endpointOf(sdk, { http: away[sdk], grpc: away[sdk] });
      return await this.#start(sdk, { endpoint, service: 'moving' }, BEFORE);
    });
    const before = await ofEachSdk((sdk) => judge(samplers[sdk], BEFORE, decisions));
    await this.#serving.stop();
    const nobody = await ofEachSdk((sdk) => NobodyThere.at(away[sdk]));
    const meanwhile = await ofEachSdk(async (sdk) => {
      await waitFor(`${sdk} polls in vain`, () => nobody[sdk].knocks >= KNOCKS);
      return await judge(samplers[sdk], BEFORE, decisions);
    });
    await ofEachSdk((sdk) => nobody[sdk].leave());
    await this.#serving.start(awayStrategies(AFTER));
    const after = await ofEachSdk(async (sdk) => {
      await samplers[sdk].untilAll('flip');
      return await judge(samplers[sdk], AFTER, decisions);
    });
    const verdicts = await ofEachSdk(async (sdk) => together([before[sdk], meanwhile[sdk], after[sdk]]));
    return { name: 'the server away and back', verdicts };
  }

  async #judge(sdk: Sdk, setting: Setting, expected: Expected): Promise<Verdict> {
    const { decisions, decisionsOfMany } = this.#options;
    const sampler = await this.#start(sdk, setting, expected);
    const count = expected.length > 100 ? decisionsOfMany : decisions;
    const verdict = await judge(sampler, expected, count);
    if (verdict.wrong.length === 0) return verdict;
    const said = `the sampler says of itself: ${(await sampler.description()).slice(0, 1000)}`;
    return { ...verdict, wrong: [...verdict.wrong, said] };
  }

  /** A sampler that has been told what to do. */
  async #start(sdk: Sdk, setting: Setting, expected: Expected): Promise<RemoteSampler> {
    const [operation, firstProbability] = expected[0] ?? ['', 0];
    const sampler = await this.#configure(sdk, setting, firstProbability);
    await sampler.untilApplied(operation);
    return sampler;
  }

  async #configure(sdk: Sdk, setting: Setting, firstProbability: number): Promise<RemoteSampler> {
    const { pollMs = POLL_MS, ...rest } = setting;
    const name = `${sdk} ${++this.#samplers} for "${setting.service}"`;
    const poll = pollMs === null ? {} : { pollMs };
    return await RemoteSampler.start(this.#clients[sdk], name, { ...rest, ...poll, firstProbability });
  }
}

function awayStrategies(expected: Expected): object {
  const operations = expected.filter(([operation]) => operation !== 'not listed');
  const param = expected.find(([operation]) => operation === 'not listed')?.[1] ?? 0;
  const entries = operations.map(([operation, probability]) => ({
    operation,
    type: 'probabilistic',
    param: probability,
  }));
  return {
    service_strategies: [{ service: 'moving', type: 'probabilistic', param, operation_strategies: entries }],
  };
}
