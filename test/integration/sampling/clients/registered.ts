import { SDKS, type Sdk } from './sdks.ts';

/** An entry of GET /api/v1/sampling/pollers, as far as it is looked at here. */
export interface Registered {
  readonly client: string;
  readonly userAgent: string;
  readonly transport: string;
  readonly address: string;
  readonly instances: number;
  readonly honoursLowerBound: boolean;
  /** Missing until several polls agree. */
  readonly intervalMs?: number;
}

/** What each says of itself, and what the engine is to make of it. */
export const RECOGNISED: Readonly<Record<Sdk, Omit<Registered, 'intervalMs' | 'address' | 'instances'>>> = {
  go: { client: 'Go', userAgent: 'Go-http-client/1.1', transport: 'http', honoursLowerBound: true },
  java: { client: 'Java', userAgent: 'okhttp/5.4.0', transport: 'grpc', honoursLowerBound: false },
  js: { client: 'JavaScript', userAgent: 'node', transport: 'http', honoursLowerBound: false },
  // It says nothing, and sends a content type with nothing in it.
  rust: { client: 'Rust', userAgent: '', transport: 'http', honoursLowerBound: false },
};

/** Who polls for a service, by the SDK that was recognised; undefined where it was not. */
export async function registered(
  samplingUrl: string,
  service: string,
): Promise<Record<Sdk, Registered | undefined>> {
  const answer = await fetch(`${samplingUrl}/api/v1/sampling/pollers?service=${encodeURIComponent(service)}`);
  if (!answer.ok) throw new Error(`the list of pollers was answered with ${answer.status}`);
  const { services } = (await answer.json()) as { services: { pollers: Registered[] }[] };
  const pollers = services.flatMap((each) => each.pollers);
  const of = (sdk: Sdk): Registered | undefined =>
    pollers.find(({ client }) => client === RECOGNISED[sdk].client);
  return Object.fromEntries(SDKS.map((sdk) => [sdk, of(sdk)])) as Record<Sdk, Registered | undefined>;
}
