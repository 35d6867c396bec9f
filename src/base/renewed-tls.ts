import { createSecureContext } from 'node:tls';
import type { Clock } from './clock.ts';
import { toError } from './errors.ts';
import type { Log } from './instruments.ts';
import { readTls, type TlsFiles, type TlsMaterial } from './listen-address.ts';

export interface RenewedTlsDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Reads certificates again every `tls.reloadIntervalMs`, if that is set, and hands on what has changed. What can't be
 * read or used leaves the last ones in force. Ends with `signal`.
 */
export async function renewTls(
  tls: TlsFiles,
  option: string,
  take: (material: TlsMaterial) => void,
  signal: AbortSignal,
  { clock, log }: RenewedTlsDeps,
): Promise<void> {
  const { reloadIntervalMs } = tls;
  if (reloadIntervalMs === undefined || reloadIntervalMs <= 0) return;
  let last = fingerprint(readTls(tls, option));
  for (;;) {
    await clock.sleep(reloadIntervalMs, signal);
    if (signal.aborted) return;
    try {
      const material = readTls(tls, option);
      const now = fingerprint(material);
      if (now === last) continue;
      // Throws for what is half written, or a key that does not fit: servers would refuse everybody.
      createSecureContext(material);
      take(material);
      last = now;
      log.info({ option }, 'read the certificates again');
    } catch (error) {
      log.error({ err: toError(error), option }, 'certificates could not be read again; the last ones hold');
    }
  }
}

function fingerprint({ cert, key, ca }: TlsMaterial): string {
  return [cert, key, ca].map((file) => file?.toString('latin1') ?? '').join('\0');
}
