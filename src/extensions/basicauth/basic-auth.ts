import type { Authenticator, AuthenticatorPeer, ClientAuthenticator } from '../../base/authenticator.ts';
import type { Component, ComponentContext } from '../../base/component.ts';
import { ReloadedFile } from '../../base/reloaded-file.ts';
import type { BasicAuthConfig } from './config.ts';
import { parseHtpasswd } from './htpasswd.ts';
import { Verdicts } from './verdicts.ts';

const RELOAD_EVERY_MS = 5000;
const HEADER = 'authorization';

export class BasicAuth implements Component, AuthenticatorPeer {
  readonly id: string;
  readonly serverAuthenticator: Authenticator | undefined;
  readonly clientAuthenticator: ClientAuthenticator | undefined;
  readonly #context: ComponentContext;
  readonly #files: ReloadedFile[] = [];

  constructor(config: BasicAuthConfig, context: ComponentContext) {
    this.id = context.id;
    this.#context = context;
    const { htpasswd, client_auth: client } = config;
    if (htpasswd !== undefined) this.serverAuthenticator = this.#server(htpasswd);
    if (client !== undefined) this.clientAuthenticator = this.#client(client);
  }

  async start(): Promise<void> {
    for (const file of this.#files) await file.start();
    this.#context.health.report('ok');
  }

  async stop(): Promise<void> {
    for (const file of this.#files) file.stop();
  }

  #server({ file, inline }: NonNullable<BasicAuthConfig['htpasswd']>): Authenticator {
    const verdicts = new Verdicts(this.#context.clock);
    verdicts.take(parseHtpasswd(inline));
    if (file !== '') {
      this.#reload(file, 'htpasswd.file', (text) => {
        const users = parseHtpasswd(`${text}\n${inline}`);
        if (users.size === 0) throw new Error('there is no user in it');
        verdicts.take(users);
      });
    }
    return {
      header: HEADER,
      challenge: 'Basic realm="spanweir", charset="UTF-8"',
      admits: (value) => {
        const login = loginOf(value);
        return login !== undefined && verdicts.of(login.user, login.password);
      },
    };
  }

  #client(config: NonNullable<BasicAuthConfig['client_auth']>): ClientAuthenticator {
    let { username, password } = config;
    if (config.username_file !== '') {
      this.#reload(config.username_file, 'client_auth.username_file', (text) => {
        username = text.trim();
      });
    }
    if (config.password_file !== '') {
      this.#reload(config.password_file, 'client_auth.password_file', (text) => {
        password = text.trim();
      });
    }
    return {
      header: HEADER,
      value: () => `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
    };
  }

  #reload(path: string, option: string, take: (text: string) => void): void {
    const { log, health, clock } = this.#context;
    const file = new ReloadedFile({
      path,
      option: `extensions.${this.id}.${option}`,
      clock,
      everyMs: RELOAD_EVERY_MS,
      take,
      failed: (error) => {
        log.error({ err: error, path }, 'credentials could not be read again; the last ones hold');
        health.report('recoverable', error.message);
      },
      recovered: () => health.report('ok'),
    });
    this.#files.push(file);
  }
}

function loginOf(
  value: string | undefined,
): { readonly user: string; readonly password: string } | undefined {
  const match = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(value ?? '');
  if (match === null) return undefined;
  const login = Buffer.from(match[1] as string, 'base64').toString();
  const colon = login.indexOf(':');
  return colon < 0 ? undefined : { user: login.slice(0, colon), password: login.slice(colon + 1) };
}
