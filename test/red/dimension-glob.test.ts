import { expect, test } from 'vitest';
import { dimensionGlob } from '../../src/red/dimension-glob.ts';

test.each([
  ['http.*', ['http.route', 'http.', 'http.a-b'], ['http', 'http.a.b', 'xhttp.a', 'https.a']],
  ['http.**', ['http.route', 'http.a.b', 'http.'], ['http', 'https.a']],
  ['*.id', ['user.id', '.id'], ['a.user.id', 'user.idx']],
  ['**.id', ['user.id', 'a.user.id', '.id'], ['id']],
  ['h?tp.x', ['http.x', 'h-tp.x'], ['h.tp.x', 'htp.x']],
  ['a[bc].d', ['ab.d', 'ac.d'], ['ad.d', 'abc.d']],
  ['a[!bc]', ['ad', 'a.'], ['ab', 'a']],
  ['a[b-d]', ['ab', 'ac', 'ad'], ['ae', 'a-']],
  ['{user,k8s.pod}.*', ['user.id', 'k8s.pod.name'], ['k8s.node.name', 'user']],
  ['{a,b{c,d}}', ['a', 'bc', 'bd'], ['b', 'ac']],
  ['{a,b', ['a', 'b'], ['{a,b']],
  ['a,b}', ['a,b}'], ['a', 'b}']],
  ['a\\*b\\{', ['a*b{'], ['axb{']],
  ['a+(b)|^$', ['a+(b)|^$'], ['aab']],
  ['größe.*', ['größe.x'], ['grosse.x']],
])('%s', (pattern, yes, no) => {
  const glob = dimensionGlob(pattern);
  expect([...yes, ...no].filter((key) => glob.matches(key))).toEqual(yes);
});

test.each([
  ['a[', 'a [ is not closed'],
  ['a[]', 'there is nothing between [ and ]'],
  ['a[z-a]', 'a comes before z'],
  ['a[a-z0-9]', 'one range or a list of characters, not both'],
])('%s is refused', (pattern, message) => {
  expect(() => dimensionGlob(pattern)).toThrow(message);
});

test('a key that is longer than any sensible one matches nothing', () => {
  expect(dimensionGlob('**').matches('a'.repeat(1024))).toBe(true);
  expect(dimensionGlob('**').matches('a'.repeat(1025))).toBe(false);
});
