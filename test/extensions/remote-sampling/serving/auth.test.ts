import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { basicAuthExtension } from '../../../../src/extensions/basicauth/component.ts';
import { basicAuthConfig } from '../../../../src/extensions/basicauth/config.ts';
import { bearerTokenAuthExtension } from '../../../../src/extensions/bearertokenauth/component.ts';
import { bearerTokenAuthConfig } from '../../../../src/extensions/bearertokenauth/config.ts';
import type { MainContext } from '../../../../src/flow/host.ts';
import { pollGrpc } from '../grpc-client.ts';
import { recording } from '../recording.ts';
import { startExtension, stopExtensions } from '../running.ts';

afterEach(stopExtensions);

const context = recording().context as MainContext;
const PEERS = {
  'extension:bearertokenauth/sdk': bearerTokenAuthExtension.createMain?.(
    bearerTokenAuthConfig.parse({ token: 'letmein' }),
    context,
  ),
  'extension:basicauth': basicAuthExtension.createMain?.(
    basicAuthConfig.parse({ htpasswd: { inline: 'ann:{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=' } }),
    context,
  ),
  'extension:basicauth/client': basicAuthExtension.createMain?.(
    basicAuthConfig.parse({ client_auth: { username: 'ann' } }),
    context,
  ),
};

const start = (config: object) =>
  startExtension({ file: { default_sampling_probability: 0.5 }, ...config }, systemClock, PEERS);

const guardedBy = (authenticator: string) => ({
  http: { endpoint: '127.0.0.1:0', auth: { authenticator } },
  grpc: { endpoint: '127.0.0.1:0', auth: { authenticator } },
});

describe('over HTTP', () => {
  test('a poll without the token is told what to bring, and counted', async () => {
    const { http, seen, extension } = await start(guardedBy('bearertokenauth/sdk'));
    const url = `http://127.0.0.1:${http[0]?.port()}/sampling?service=shop`;
    const answer = await fetch(url);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="spanweir"');
    expect(await answer.text()).toBe('401 unauthorized\n');
    const key = 'spanweir_unauthenticated_total{listener="remote_sampling",transport="http"}';
    expect(seen.metrics.get(key)).toBe(1);
    expect(extension.pollers().services).toEqual([]);
  });

  test('a poll with it is answered', async () => {
    const { http } = await start(guardedBy('bearertokenauth/sdk'));
    const url = `http://127.0.0.1:${http[0]?.port()}/sampling?service=shop`;
    const answer = await fetch(url, { headers: { authorization: 'Bearer letmein' } });
    expect(await answer.json()).toMatchObject({ probabilisticSampling: { samplingRate: 0.5 } });
  });

  test('a name and password do as well, and baggage is guarded too', async () => {
    const { http } = await start(guardedBy('basicauth'));
    const port = http[0]?.port();
    const authorization = `Basic ${Buffer.from('ann:correct horse').toString('base64')}`;
    for (const path of ['/sampling?service=shop', '/baggageRestrictions?service=shop']) {
      const url = `http://127.0.0.1:${port}${path}`;
      expect((await fetch(url)).status).toBe(401);
      expect((await fetch(url, { headers: { authorization } })).status).toBe(200);
    }
  });
});

describe('over gRPC', () => {
  test('a call without the token is UNAUTHENTICATED, one with it is answered', async () => {
    const { grpcPort, seen } = await start(guardedBy('bearertokenauth/sdk'));
    await expect(pollGrpc(grpcPort, 'shop')).rejects.toMatchObject({ code: 16, details: 'unauthenticated' });
    const strategy = await pollGrpc(grpcPort, 'shop', { authorization: 'Bearer letmein' });
    expect(strategy.probabilisticSampling).toEqual({ samplingRate: 0.5 });
    const key = 'spanweir_unauthenticated_total{listener="remote_sampling",transport="grpc"}';
    expect(seen.metrics.get(key)).toBe(1);
  });
});

test.each(['nobody', 'basicauth/client'])('the authenticator %s is none that lets in', async (name) => {
  await expect(start(guardedBy(name))).rejects.toThrow(
    `extensions.remote_sampling.http.auth.authenticator: found "${name}", ` +
      'expected an extension that lets clients in, listed in service.extensions',
  );
});
