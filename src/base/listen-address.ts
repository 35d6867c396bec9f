import { readFileSync } from 'node:fs';
import { SpanweirError, toError } from './errors.ts';

/** What every kind of listener needs to know of an address; the types are structural on purpose. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Set = clients must show a certificate signed by it. */
  readonly clientCaFile?: string | undefined;
  readonly minVersion?: TlsVersion | undefined;
  readonly maxVersion?: TlsVersion | undefined;
  /** The files are read again that often; undefined: never. */
  readonly reloadIntervalMs?: number | undefined;
}

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** The oldest version that is spoken unless another is asked for, as in the collector. */
const MIN_VERSION = 'TLSv1.2';

/**
 * The interface to bind: `localhost` is 127.0.0.1, as Go has it. Left to the resolver it may be ::1 on one
 * machine and both on the next, and a port that is half taken would go unnoticed.
 */
export function bindHost(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host;
}

/** host:port as a user would write it. */
export function formatAddress(address: HostPort): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Equal for addresses that are one listener; undefined for port 0, which is a port of its own each time. */
export function addressKey(address: HostPort): string | undefined {
  return address.port === 0 ? undefined : `${bindHost(address.host)}|${address.port}`;
}

export function sameTls(a: TlsFiles | undefined, b: TlsFiles | undefined): boolean {
  const keys = ['certFile', 'keyFile', 'clientCaFile', 'minVersion', 'maxVersion'] as const;
  return keys.every((key) => a?.[key] === b?.[key]);
}

/** @throws SpanweirError START for components that want one address with and without TLS. */
export function assertSameTls(
  address: HostPort,
  a: { readonly tls?: TlsFiles | undefined; readonly option: string },
  b: { readonly tls?: TlsFiles | undefined; readonly option: string },
): void {
  if (sameTls(a.tls, b.tls)) return;
  throw new SpanweirError(
    'START',
    `${a.option} and ${b.option} share ${formatAddress(address)} but differ in their tls settings`,
  );
}

export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
  readonly minVersion: TlsVersion;
  readonly maxVersion?: TlsVersion;
}

/** @throws SpanweirError START naming the file that can't be read. */
export function readTls(tls: TlsFiles, option: string): TlsMaterial {
  const read = (file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw new SpanweirError('START', `${option}: can't read ${file}: ${toError(error).message}`, {
        cause: error,
      });
    }
  };
  return {
    cert: read(tls.certFile),
    key: read(tls.keyFile),
    ca: tls.clientCaFile === undefined ? undefined : read(tls.clientCaFile),
    minVersion: tls.minVersion ?? MIN_VERSION,
    ...(tls.maxVersion === undefined ? {} : { maxVersion: tls.maxVersion }),
  };
}

/** Why an address could not be opened, in words that name what to change. */
export function listenError(address: HostPort, options: readonly string[], cause: unknown): SpanweirError {
  const text = toError(cause).message;
  const where = formatAddress(address);
  const setBy = `set by ${options.join(' and ')}`;
  let message = `can't listen on ${where} (${setBy}): ${text}`;
  if (text.includes('EADDRINUSE')) {
    message = `${where} is already taken by another program; choose another port (${setBy})`;
  } else if (text.includes('EACCES')) {
    message = `not allowed to listen on ${where} (${setBy})`;
  } else if (text.includes('EADDRNOTAVAIL')) {
    message = `${where} is not an address of this machine (${setBy})`;
  }
  return new SpanweirError('START', message, { cause });
}
