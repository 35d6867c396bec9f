import { expect, test } from 'vitest';
import { Standing } from '../../../src/receivers/kafka/standing.ts';

function standing() {
  const told: string[] = [];
  const of = new Standing({ report: (status, reason = '') => void told.push(`${status} ${reason}`.trim()) });
  return { of, told };
}

test('brokers that fall silent and answer again are told once each', () => {
  const { of, told } = standing();
  of.joined();
  of.silent(true);
  of.silent(true);
  expect(of.isSilent).toBe(true);
  of.silent(false);
  expect(told).toEqual(['ok', 'recoverable the brokers do not answer', 'ok']);
});

test('what keeps a partition waiting is told until the next assignment, also after a silence', () => {
  const { of, told } = standing();
  of.joined();
  of.holds('t/1 waits');
  of.silent(true);
  of.silent(false);
  of.joined();
  expect(told).toEqual([
    'ok',
    'recoverable t/1 waits',
    'recoverable the brokers do not answer',
    'recoverable t/1 waits',
    'ok',
  ]);
});
