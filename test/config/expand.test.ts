import { expect, test } from 'vitest';
import { loaded, problems } from './table.ts';

function kafka(
  options: string,
  env: Record<string, string> = {},
  files: Record<string, string> = {},
): unknown {
  const config = loaded(text(options), { env, files });
  return config.receivers['kafka']?.config;
}

function text(options: string): string {
  return `receivers: {kafka: ${options}}
exporters: {nop: }
service: {pipelines: {traces: {receivers: [kafka], exporters: [nop]}}}
`;
}

test('variables are put in, with and without env:, and with a default', () => {
  expect(kafka('{group_id: "${env:G}"}', { G: 'g1' })).toMatchObject({ group_id: 'g1' });
  expect(kafka('{group_id: "${G}"}', { G: 'g1' })).toMatchObject({ group_id: 'g1' });
  expect(kafka('{group_id: "a-${env:G:-b}-${H}"}', { H: 'c' })).toMatchObject({ group_id: 'a-b-c' });
  expect(kafka('{group_id: "${env:G:-}"}')).toMatchObject({ group_id: 'otel-collector' });
  expect(kafka('{group_id: "${env:${env:WHICH}}"}', { WHICH: 'G', G: 'g1' })).toMatchObject({
    group_id: 'g1',
  });
});

test('a value that is one expansion becomes what YAML makes of it', () => {
  expect(kafka('{max_fetch_size: "${env:N}"}', { N: '1000' })).toMatchObject({ max_fetch_size: 1000 });
  expect(kafka('{brokers: "${env:B}"}', { B: '[a:1, b:2]' })).toMatchObject({ brokers: ['a:1', 'b:2'] });
  expect(kafka('{brokers: "${env:B}"}', { B: 'a:1,b:2' })).toMatchObject({ brokers: ['a:1', 'b:2'] });
  expect(kafka('"${file:kafka.yaml}"', { G: 'g2' }, { 'kafka.yaml': 'group_id: ${env:G}\n' })).toMatchObject({
    group_id: 'g2',
  });
  expect(kafka('"${yaml:group_id: g3}"')).toMatchObject({ group_id: 'g3' });
});

test('a number from a variable is text where text is wanted, digit by digit', () => {
  expect(kafka('{group_id: "${env:G}"}', { G: '0123' })).toMatchObject({ group_id: '0123' });
  expect(kafka('{auth: {sasl: {username: u, password: "${env:P}"}}}', { P: '1e3' })).toMatchObject({
    auth: { sasl: { username: 'u', password: '1e3' } },
  });
});

test('two dollars stand for one', () => {
  expect(kafka('{group_id: "$${env:G}-$x-$$"}')).toMatchObject({ group_id: '${env:G}-$x-$' });
});

test('an unset variable is empty and said', () => {
  const config = loaded(text('{group_id: "x${env:NOPE}"}'));
  expect(config.receivers['kafka']?.config).toMatchObject({ group_id: 'x' });
  expect(config.warnings).toEqual([
    'a.yaml:1:31: receivers.kafka.group_id: the environment variable NOPE is not set, taken as empty',
  ]);
});

test('what can not be expanded is told with its place', () => {
  expect(problems(text('{group_id: "${http:x}", brokers: ["${1A}", "${file:gone}"]}'))).toEqual([
    'a.yaml:1:31: receivers.kafka.group_id: found ${http:...}, expected ${env:NAME}, ${file:path} or ${yaml:text}',
    'a.yaml:1:54: receivers.kafka.brokers[0]: found ${1A}, expected the name of an environment variable',
    'a.yaml:1:54: receivers.kafka.brokers[0]: found nothing, expected text',
    "a.yaml:1:63: receivers.kafka.brokers[1]: ${file:gone} can't be read: no such file: gone",
    'a.yaml:1:63: receivers.kafka.brokers[1]: found nothing, expected text',
  ]);
});

test('a variable that names itself ends in a message', () => {
  const found = problems(text('{group_id: "${env:A}"}'), { env: { A: '${env:A}' } });
  expect(found[0]).toMatch(/^a\.yaml:1:31: receivers\.kafka\.group_id: \$\{env:A\} contains itself$/);
});

test('mistakes inside an expanded map stand where the expansion stands', () => {
  expect(problems(text('"${env:K}"'), { env: { K: '{group_idd: x}' } })[0]).toMatch(
    /^a\.yaml:1:20: receivers\.kafka\.group_idd: found "group_idd".*did you mean "group_id"/,
  );
});
