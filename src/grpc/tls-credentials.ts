import { ServerCredentials } from '@grpc/grpc-js';
import type { TlsMaterial } from '../base/listen-address.ts';

/** TLS with the versions that were asked for, which the library's own credentials have no room for. */
export class TlsServerCredentials extends ServerCredentials {
  constructor({ cert, key, ca, minVersion, maxVersion }: TlsMaterial) {
    const versions = { minVersion, ...(maxVersion === undefined ? {} : { maxVersion }) };
    const mutual = { requestCert: ca !== undefined, rejectUnauthorized: ca !== undefined };
    super({ ...mutual, ...versions }, { ...(ca === undefined ? {} : { ca }), cert, key, ...versions });
  }

  /** For connections from now on. */
  renew({ cert, key, ca, minVersion, maxVersion }: TlsMaterial): void {
    const versions = { minVersion, ...(maxVersion === undefined ? {} : { maxVersion }) };
    this.updateSecureContextOptions({ ...(ca === undefined ? {} : { ca }), cert, key, ...versions });
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
