import { parseArgs } from 'node:util';

export interface Flags {
  /** Base URL of OTLP over HTTP. */
  readonly endpoint: string;
  /** Base URL of remote sampling over HTTP. */
  readonly sampling: string;
  /** Multiplies the traffic: 1 = about 200 requests a second. */
  readonly rate: number;
  /** Seconds; 0 = until stopped. */
  readonly durationS: number;
}

export const USAGE = `usage: tsx demo/shop.ts [options]
  --endpoint URL   OTLP over HTTP            (default http://localhost:4318)
  --sampling URL   remote sampling over HTTP (default http://localhost:5778)
  --rate N         times the usual traffic of about 200 requests a second (default 1)
  --duration S     stop after that many seconds (default 0: never)
`;

/** @throws Error with a text for the user */
export function parseFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      endpoint: { type: 'string', default: 'http://localhost:4318' },
      sampling: { type: 'string', default: 'http://localhost:5778' },
      rate: { type: 'string', default: '1' },
      duration: { type: 'string', default: '0' },
    },
  });
  const rate = Number(values.rate);
  const durationS = Number(values.duration);
  if (!(rate > 0 && rate <= 20)) throw new Error('--rate: expected a number above 0, at most 20');
  if (!(durationS >= 0)) throw new Error('--duration: expected seconds');
  return { endpoint: baseUrl(values.endpoint), sampling: baseUrl(values.sampling), rate, durationS };
}

function baseUrl(text: string): string {
  if (!URL.canParse(text)) throw new Error(`expected a URL, not ${text}`);
  return text.replace(/\/+$/, '');
}
