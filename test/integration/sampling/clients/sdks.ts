/** Whose samplers are tried, in the order of the table's columns. */
export const SDKS = ['go', 'java', 'js', 'rust'] as const;
export type Sdk = (typeof SDKS)[number];

/** Where an engine serves strategies. */
export interface Ports {
  readonly http: number;
  readonly grpc: number;
}

export interface EndpointForm {
  readonly scheme?: 'http' | 'https';
  /** Path before what the SDK itself appends; without it the one that the SDK's own pages show. */
  readonly path?: string;
}

/** What a user of the SDK writes as the address of the server. */
export function endpointOf(sdk: Sdk, ports: Ports, { scheme = 'http', path }: EndpointForm = {}): string {
  const host = `${scheme}://127.0.0.1`;
  switch (sdk) {
    case 'java':
      // Speaks gRPC only.
      return `${host}:${ports.grpc}`;
    case 'js':
      // Appends /sampling.
      return `${host}:${ports.http}${path ?? ''}`;
    case 'go':
    case 'rust':
      return `${host}:${ports.http}${path ?? '/sampling'}`;
  }
}

/** Go and JavaScript trust what their process trusts, the others by an option of their sampler. No proxy stands between. */
export function environment(caFile: string): Readonly<Record<string, string>> {
  const here = '127.0.0.1';
  return { SSL_CERT_FILE: caFile, NODE_EXTRA_CA_CERTS: caFile, NO_PROXY: here, no_proxy: here };
}

export function forEachSdk<T>(value: (sdk: Sdk) => T): Record<Sdk, T> {
  return Object.fromEntries(SDKS.map((sdk) => [sdk, value(sdk)])) as Record<Sdk, T>;
}

/** All four at the same time. */
export async function ofEachSdk<T>(work: (sdk: Sdk) => Promise<T>): Promise<Record<Sdk, T>> {
  const results = await Promise.all(SDKS.map(async (sdk) => [sdk, await work(sdk)] as const));
  return Object.fromEntries(results) as Record<Sdk, T>;
}
