/**
 * Who may ask, as the collector's `auth: {authenticator: NAME}` has it: listeners name an extension, which offers
 * this. A listener of any kind can use it (http/guard.ts, grpc/guard.ts).
 */
export interface Authenticator {
  /** The request header (or gRPC metadata key) that it looks at, in lower case. */
  readonly header: string;
  /** What an unknown client is told to bring: the value of WWW-Authenticate. */
  readonly challenge: string;
  /** Whether a request with this value of the header (undefined = without it) is let in. Never rejects. */
  admits(value: string | undefined): boolean | Promise<boolean>;
}

/** What a client of ours brings to another server. */
export interface ClientAuthenticator {
  /** In lower case. */
  readonly header: string;
  /** Asked for at every call: it may change. */
  value(): string;
}

/** What an extension that authenticates looks like to others (`MainContext.peer('extension:NAME')`). */
export interface AuthenticatorPeer {
  /** undefined = it is set up for clients only. */
  readonly serverAuthenticator?: Authenticator | undefined;
  readonly clientAuthenticator?: ClientAuthenticator | undefined;
}
