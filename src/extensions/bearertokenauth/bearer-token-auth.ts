import { createHash, timingSafeEqual } from 'node:crypto';
import type { Authenticator, AuthenticatorPeer, ClientAuthenticator } from '../../base/authenticator.ts';
import type { Component, ComponentContext } from '../../base/component.ts';
import { ReloadedFile } from '../../base/reloaded-file.ts';
import type { BearerTokenAuthConfig } from './config.ts';

const RELOAD_EVERY_MS = 5000;

/** The tokens are the values of the header as a whole, scheme included. */
export class BearerTokenAuth implements Component, AuthenticatorPeer {
  readonly id: string;
  readonly serverAuthenticator: Authenticator;
  readonly clientAuthenticator: ClientAuthenticator;
  readonly #config: BearerTokenAuthConfig;
  readonly #context: ComponentContext;
  readonly #file: ReloadedFile | undefined;
  #values: readonly string[] = [];
  #digests: readonly Buffer[] = [];

  constructor(config: BearerTokenAuthConfig, context: ComponentContext) {
    this.id = context.id;
    this.#config = config;
    this.#context = context;
    const header = config.header.toLowerCase();
    this.serverAuthenticator = {
      header,
      challenge: `${config.scheme === '' ? 'Bearer' : config.scheme} realm="spanweir"`,
      admits: (value) => value !== undefined && this.#admits(value),
    };
    this.clientAuthenticator = { header, value: () => this.#values[0] ?? '' };
    if (config.filename === '') {
      this.#take([...config.tokens, ...(config.token === '' ? [] : [config.token])]);
      return;
    }
    this.#file = this.#reloaded(config.filename);
    if (config.token !== '' || config.tokens.length > 0) {
      context.log.warn({ filename: config.filename }, 'a filename is given: token and tokens do not count');
    }
  }

  async start(): Promise<void> {
    await this.#startFile();
    this.#context.health.report('ok');
  }

  async stop(): Promise<void> {
    this.#file?.stop();
  }

  async #startFile(): Promise<void> {
    const { enabled, max_retries: retries, retry_interval: intervalMs } = this.#config.file_retry;
    for (let tries = 0; ; tries++) {
      try {
        await this.#file?.start();
        return;
      } catch (error) {
        if (!enabled || tries >= retries) throw error;
        await this.#context.clock.sleep(intervalMs);
      }
    }
  }

  #reloaded(path: string): ReloadedFile {
    const { log, health, clock } = this.#context;
    return new ReloadedFile({
      path,
      option: `extensions.${this.id}.filename`,
      clock,
      everyMs: RELOAD_EVERY_MS,
      take: (text) => {
        const tokens = text
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== '');
        if (tokens.length === 0) throw new Error('there is no token in it');
        this.#take(tokens);
        log.info({ filename: path, tokens: tokens.length }, 'read the tokens');
      },
      failed: (error) => {
        log.error({ err: error, filename: path }, 'the tokens could not be read again; the last ones hold');
        health.report('recoverable', error.message);
      },
      recovered: () => health.report('ok'),
    });
  }

  #take(tokens: readonly string[]): void {
    const { scheme } = this.#config;
    this.#values = tokens.map((token) => (scheme === '' ? token : `${scheme} ${token}`));
    this.#digests = this.#values.map(digestOf);
  }

  /** Takes as long whatever is wrong, and as long for each of several tokens. */
  #admits(value: string): boolean {
    const digest = digestOf(this.#withCanonicalScheme(value));
    let isAdmitted = false;
    for (const known of this.#digests) {
      if (timingSafeEqual(known, digest)) isAdmitted = true;
    }
    return isAdmitted;
  }

  /** The name of a scheme is written as one likes (RFC 9110, section 11.1). */
  #withCanonicalScheme(value: string): string {
    const { scheme } = this.#config;
    const isSame = value.slice(0, scheme.length).toLowerCase() === scheme.toLowerCase();
    return isSame ? scheme + value.slice(scheme.length) : value;
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
