import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startEngine } from '../../../../bench/support/engine.ts';
import { freePorts } from '../../../../scripts/parts/ports.mjs';
import { LIMIT_AS_PROBABILITY, STRATEGIES } from './cases.ts';
import { forEachSdk, type Ports, SDKS, type Sdk } from './sdks.ts';

/** What all sample until the controller knows better. */
export const INITIALLY = 1;

/** Besides one for each SDK. */
const PORTS = 11;

/** Quick, and with so few operations that a decision comes within seconds. */
const ADAPTIVE = {
  sampling_store: 'memory',
  initial_sampling_probability: INITIALLY,
  target_samples_per_second: 20,
  window: '1s',
  calculation_interval: '1s',
  calculation_delay: '2s',
};

const JAEGER_TIMES = { calculation_interval: '1m', calculation_delay: '2m' };

/** The program as users start it, with one remote_sampling for each thing that is tried. */
export class Serving {
  readonly #dir: string;
  readonly file: Ports;
  readonly tls: Ports;
  /** The same file in Jaeger's own shapes. */
  readonly jaeger: Ports;
  /** Jaeger's algorithm, in its shapes. */
  readonly jaegerAdaptive: Ports;
  readonly adaptive: Ports & { readonly otlp: number };
  /** One port for each SDK, so that who knocks while nobody is there is known. */
  readonly away: Readonly<Record<Sdk, number>>;
  #child: Child | undefined;
  #lives = 0;

  private constructor(dir: string, ports: readonly number[]) {
    const port = (index: number): number => ports[index] ?? 0;
    this.#dir = dir;
    this.file = { http: port(0), grpc: port(1) };
    this.tls = { http: port(2), grpc: port(3) };
    this.adaptive = { http: port(4), grpc: port(5), otlp: port(6) };
    this.jaeger = { http: port(7), grpc: port(8) };
    this.jaegerAdaptive = { http: port(9), grpc: port(10) };
    this.away = forEachSdk((sdk) => port(PORTS + SDKS.indexOf(sdk)));
  }

  /** `dir` is an empty folder. */
  static async create(dir: string): Promise<Serving> {
    mkdirSync(dir, { recursive: true });
    makeCertificates(dir);
    return new Serving(dir, await freePorts(PORTS + SDKS.length));
  }

  get caFile(): string {
    return join(this.#dir, 'ca.pem');
  }

  /** `awayStrategies`: what the instance serves that goes away and comes back, in Jaeger's form. */
  async start(awayStrategies: object): Promise<void> {
    this.#write('strategies.json', STRATEGIES);
    this.#write('away.json', awayStrategies);
    const { file, tls, jaeger, jaegerAdaptive, adaptive, away } = this;
    const at = (port: number): string => `127.0.0.1:${port}`;
    const strategies = {
      path: join(this.#dir, 'strategies.json'),
      default_sampling_probability: LIMIT_AS_PROBABILITY,
    };
    const certificate = {
      cert_file: join(this.#dir, 'server.pem'),
      key_file: join(this.#dir, 'server.key'),
    };
    const extensions = {
      // The first one is what the processor counts for.
      remote_sampling: {
        adaptive: ADAPTIVE,
        http: { endpoint: at(adaptive.http) },
        grpc: { endpoint: at(adaptive.grpc) },
      },
      'remote_sampling/file': {
        file: strategies,
        http: { endpoint: at(file.http) },
        grpc: { endpoint: at(file.grpc) },
      },
      'remote_sampling/tls': {
        file: strategies,
        http: { endpoint: at(tls.http), tls: certificate },
        grpc: { endpoint: at(tls.grpc), tls: certificate },
      },
      'remote_sampling/jaeger': {
        file: strategies,
        reply: 'jaeger',
        http: { endpoint: at(jaeger.http) },
        grpc: { endpoint: at(jaeger.grpc) },
      },
      'remote_sampling/jaeger_adaptive': {
        adaptive: { ...ADAPTIVE, ...JAEGER_TIMES, algorithm: 'jaeger' },
        reply: 'jaeger',
        http: { endpoint: at(jaegerAdaptive.http) },
        grpc: { endpoint: at(jaegerAdaptive.grpc) },
      },
      'remote_sampling/away': {
        file: { path: join(this.#dir, 'away.json') },
        http: { endpoint: at(away.go), extra_endpoints: [at(away.js), at(away.rust)] },
        grpc: { endpoint: at(away.java) },
      },
    };
    this.#child = await startEngine({
      dir: this.#dir,
      name: `engine-${this.#lives++}`,
      config: {
        receivers: { otlp: { protocols: { http: { endpoint: at(adaptive.otlp) } } } },
        processors: { adaptive_sampling: { window: ADAPTIVE.window } },
        exporters: { nop: {} },
        extensions,
        service: {
          extensions: Object.keys(extensions),
          telemetry: { metrics: { level: 'none' } },
          pipelines: {
            traces: { receivers: ['otlp'], processors: ['adaptive_sampling'], exporters: ['nop'] },
          },
        },
      },
    });
  }

  /** Resolves with the exit code. */
  async stop(): Promise<number | null | undefined> {
    return (await this.#child?.stop(40_000))?.code;
  }

  /** All that the running engine has logged. */
  log(): string {
    return this.#child === undefined ? '' : readFileSync(this.#child.logFile, 'utf8');
  }

  #write(name: string, content: object): void {
    writeFileSync(join(this.#dir, name), JSON.stringify(content, undefined, 2));
  }
}

/** A CA and a server that it vouches for. */
function makeCertificates(dir: string): void {
  const openssl = (...args: string[]): void =>
    void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const request = ['req', '-newkey', 'rsa:2048', '-nodes', '-batch'];
  openssl(...request, '-x509', '-days', '1', '-subj', '/CN=test-ca', '-keyout', 'ca.key', '-out', 'ca.pem');
  writeFileSync(join(dir, 'san.txt'), 'subjectAltName=IP:127.0.0.1');
  openssl(...request, '-subj', '/CN=server', '-keyout', 'server.key', '-out', 'server.csr');
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1'];
  openssl('x509', '-req', '-in', 'server.csr', ...signed, '-extfile', 'san.txt', '-out', 'server.pem');
}
