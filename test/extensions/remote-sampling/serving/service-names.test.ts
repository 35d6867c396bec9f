import { expect, test } from 'vitest';
import { serviceNames } from '../../../../src/extensions/remote-sampling/serving/service-names.ts';

function names(query: string) {
  return serviceNames(new URL(`http://localhost/sampling${query}`));
}

test.each([
  ['?service=shop', ['shop']],
  ['?service=', ['']],
  ['?service=a%20b', ['a b', 'a%20b']],
  ['?service=a+b', ['a b', 'a+b']],
  ['?service=a%2Bb', ['a+b', 'a%2Bb']],
  ['?service=a%2Fb', ['a/b', 'a%2Fb']],
  ['?service=100%', ['100%']],
  ['?service=a&b', ['a', 'a&b']],
  ['?x=1&service=a', ['a']],
])('%s may mean %j', (query, expected) => {
  expect(names(query)).toEqual(expected);
});

test.each(['', '?', '?service=a&service=b', '?service=a&service=', '?Service=a', '?xservice=a'])(
  'in "%s" the service is not told once',
  (query) => {
    expect(names(query)).toBeUndefined();
  },
);
