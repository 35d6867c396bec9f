import { expect, test } from 'vitest';
import { COMPONENTS } from '../../src/app/components.ts';
import { loadConfig } from '../../src/config/load-config.ts';

function problems(auth: string, listed: string): readonly string[] {
  const text = `receivers:
  nop:
exporters:
  nop:
extensions:
  bearertokenauth/sdk: {token: abc}
  basicauth: {htpasswd: {inline: 'a:b'}}
  remote_sampling:
    file: {}
    http: {auth: {authenticator: ${auth}}}
service:
  extensions: [${listed}]
  pipelines:
    traces: {receivers: [nop], exporters: [nop]}
`;
  const result = loadConfig({ configs: ['a.yaml'] }, COMPONENTS, { variables: {}, readFile: () => text });
  return 'problems' in result ? result.problems : [];
}

const WHERE = 'a.yaml:10:34: extensions.remote_sampling.http.auth.authenticator:';

test('an authenticator that is defined and runs is right', () => {
  expect(problems('bearertokenauth/sdk', 'bearertokenauth/sdk, remote_sampling')).toEqual([]);
  expect(problems('basicauth', 'remote_sampling, basicauth')).toEqual([]);
});

test('one that nobody defined is named, with what was meant', () => {
  expect(problems('bearertokenauth/sdj', 'remote_sampling')).toEqual([
    `${WHERE} found "bearertokenauth/sdj", expected one that is defined under extensions (did you mean "bearertokenauth/sdk"?)`,
  ]);
});

test('one that does not run lets nobody in', () => {
  expect(problems('basicauth', 'remote_sampling')).toEqual([
    `${WHERE} found "basicauth", expected it in service.extensions too: else it does not start`,
  ]);
});

test('an extension that does not authenticate is none', () => {
  expect(problems('remote_sampling', 'remote_sampling')).toEqual([
    `${WHERE} found "remote_sampling", expected an extension that authenticates: basicauth, bearertokenauth`,
  ]);
});
