import { expect, test } from 'vitest';
import { Targets } from '../../../../src/extensions/remote-sampling/serving/targets.ts';
import { heapInUse } from '../../../support/heap.ts';

test('a request line that is kept does not keep the request that it came in', () => {
  const targets = new Targets();
  const before = heapInUse();
  for (let i = 0; i < 2000; i++) {
    const request = Buffer.alloc(10_000, `GET /sampling?service=checkout-${i} HTTP/1.1\r\n`).toString(
      'latin1',
    );
    targets.of(request.slice(4, request.indexOf(' HTTP')));
  }
  expect(heapInUse() - before).toBeLessThan(4_000_000);
  expect(targets.of('/sampling?service=checkout-7')).toEqual({ path: '/sampling', services: ['checkout-7'] });
});
