import { createRequire } from 'node:module';
import type {
  MethodDefinition,
  Server,
  ServiceDefinition,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type * as Reflection from '@grpc/reflection';
import type * as Health from 'grpc-health-check';
import { toError } from '../base/errors.ts';
import type { Counter, Log } from '../base/instruments.ts';

/**
 * Health and reflection, whose libraries read .proto files and take as long to load as the rest of a listener. Many
 * engines are never asked for either, so they are loaded by the first call. Where that fails the call does, and the
 * next one tries again.
 */

export interface LateDeps {
  readonly log: Log;
  /** Counts what could not be loaded. */
  readonly failures: Counter;
  /** A library by its name; `require` unless a test has another. */
  readonly load?: (name: string) => unknown;
}

const fromHere = createRequire(import.meta.url);

type Method = MethodDefinition<unknown, unknown>;
type Stream = 'none' | 'response' | 'both';

interface Loaded {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** Where the libraries add their services to. */
type Adds = Pick<Server, 'addService'>;

/** Names of a service's methods, as in its .proto, and what they stream. */
interface LateService {
  readonly name: string;
  readonly methods: Readonly<Record<string, Stream>>;
}

const HEALTH: LateService = {
  name: 'grpc.health.v1.Health',
  methods: { Check: 'none', List: 'none', Watch: 'response' },
};
const REFLECTIONS: readonly LateService[] = ['grpc.reflection.v1', 'grpc.reflection.v1alpha'].map(
  (scope) => ({
    name: `${scope}.ServerReflection`,
    methods: { ServerReflectionInfo: 'both' },
  }),
);

/** What the health service says of some services: that they serve, until they stop. */
export class HealthService {
  readonly #names: readonly string[];
  readonly #deps: LateDeps;
  #status: 'SERVING' | 'NOT_SERVING' = 'SERVING';
  #library: Health.HealthImplementation | undefined;

  constructor(names: readonly string[], deps: LateDeps) {
    this.#names = names;
    this.#deps = deps;
  }

  addTo(server: Server): void {
    addLate(server, [HEALTH], this.#deps, (adds, load) => {
      const { HealthImplementation } = load('grpc-health-check') as typeof Health;
      this.#library = new HealthImplementation(
        Object.fromEntries(this.#names.map((name) => [name, this.#status])),
      );
      this.#library.addToServer(adds as Server);
    });
  }

  stopServing(): void {
    this.#status = 'NOT_SERVING';
    for (const name of this.#names) this.#library?.setStatus(name, this.#status);
  }
}

/** Reflection over every message type that carries its descriptor (services loaded from .proto do). */
export function reflect(server: Server, definitions: readonly ServiceDefinition[], deps: LateDeps): void {
  addLate(server, REFLECTIONS, deps, (adds, load) => {
    const { ReflectionService } = load('@grpc/reflection') as typeof Reflection;
    const { service } = load('grpc-health-check') as typeof Health;
    const types: Record<string, never> = {};
    for (const definition of [...definitions, service as ServiceDefinition]) {
      for (const method of Object.values(definition) as (Method & Described)[]) {
        for (const type of [method.requestType, method.responseType]) {
          if (type?.fileDescriptorProtos)
            types[`${method.path}#${Object.keys(types).length}`] = type as never;
        }
      }
    }
    new ReflectionService(types).addToServer(adds as Server);
  });
}

interface Described {
  readonly requestType?: { readonly fileDescriptorProtos?: readonly Buffer[] };
  readonly responseType?: { readonly fileDescriptorProtos?: readonly Buffer[] };
}

type Fill = (adds: Adds, load: (name: string) => unknown) => void;

/** `fill` is called by the first message of any of the services, and adds all of them. */
function addLate(server: Server, services: readonly LateService[], deps: LateDeps, fill: Fill): void {
  const { log, failures, load = fromHere } = deps;
  let loaded: Map<string, readonly [Method, UntypedHandleCall]> | undefined;
  const find = (path: string): readonly [Method, UntypedHandleCall] => {
    try {
      loaded ??= methodsOf((adds) => fill(adds, load));
    } catch (error) {
      failures.add(1);
      const names = services.map(({ name }) => name);
      log.error({ err: toError(error), services: names }, 'a gRPC service could not be loaded');
      throw error;
    }
    const found = loaded.get(path);
    if (found === undefined) throw new Error(`the library has no ${path}`);
    return found;
  };
  for (const { name, methods } of services) {
    const definition: Record<string, Method> = {};
    const implementation: Record<string, unknown> = {};
    for (const [method, stream] of Object.entries(methods)) {
      const path = `/${name}/${method}`;
      definition[method] = {
        path,
        requestStream: stream === 'both',
        responseStream: stream !== 'none',
        requestSerialize: (value) => find(path)[0].requestSerialize(value),
        requestDeserialize: (bytes) => find(path)[0].requestDeserialize(bytes),
        responseSerialize: (value) => find(path)[0].responseSerialize(value),
        responseDeserialize: (bytes) => find(path)[0].responseDeserialize(bytes),
      };
      implementation[method] = (...call: unknown[]) =>
        (find(path)[1] as unknown as (...call: unknown[]) => void)(...call);
    }
    server.addService(definition, implementation as UntypedServiceImplementation);
  }
}

function methodsOf(fill: (adds: Adds) => void): Map<string, readonly [Method, UntypedHandleCall]> {
  const added: Loaded[] = [];
  fill({ addService: (definition, implementation) => added.push({ definition, implementation }) });
  const methods = new Map<string, readonly [Method, UntypedHandleCall]>();
  for (const { definition, implementation } of added) {
    for (const [key, method] of Object.entries(definition)) {
      const handler = implementation[key] ?? implementation[method.originalName ?? key];
      if (handler !== undefined) methods.set(method.path, [method, handler]);
    }
  }
  return methods;
}
