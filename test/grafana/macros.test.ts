import { expect, test } from 'vitest';
import { ALL, expandPromql, expandSql, type Moment } from '../support/grafana-macros.ts';

const HOUR: Moment = { fromMs: 1_700_000_000_000, toMs: 1_700_003_600_000 };

function withService(service: string | readonly string[]): Moment {
  return { ...HOUR, values: { service }, variables: [{ name: 'service', type: 'query', allValue: '.+' }] };
}

test("PromQL gets Grafana's ranges", () => {
  expect(expandPromql('rate(a[$__rate_interval]) + rate(a[${__range}]) + $__range_s', HOUR)).toBe(
    'rate(a[60s]) + rate(a[3600s]) + 3600',
  );
});

test('PromQL gets the values of variables as a pattern', () => {
  expect(expandPromql('up{a=~"$service"}', withService(ALL))).toBe('up{a=~".+"}');
  expect(expandPromql('up{a=~"$service"}', withService('shop'))).toBe('up{a=~"shop"}');
  expect(expandPromql('up{a=~"${service}"}', withService(['a', 'b.c']))).toBe('up{a=~"(a|b\\\\.c)"}');
});

test('a dollar in a replacement is no variable', () => {
  expect(expandPromql('label_replace(a, "b", "$1", "c", "(.*)")', HOUR)).toContain('"$1"');
});

test('SQL gets its range, its intervals and quoted values', () => {
  const sql = 'SELECT $__timeInterval(Ts) FROM t WHERE $__timeFilter(Ts) AND s IN (${service:singlequote})';
  expect(expandSql(sql, withService(["it's", 'b']))).toBe(
    "SELECT toStartOfInterval(toDateTime(Ts), INTERVAL 60 second) FROM t WHERE Ts >= toDateTime(1700000000) AND Ts <= toDateTime(1700003600) AND s IN ('it\\'s','b')",
  );
});

test('a condition on all values is none', () => {
  const sql = 'WHERE $__conditionalAll(f(s) IN (${service:singlequote}), $service) AND 2';
  expect(expandSql(sql, withService(ALL))).toBe('WHERE 1=1 AND 2');
  expect(expandSql(sql, withService(['a']))).toBe("WHERE f(s) IN ('a') AND 2");
});

test('what nobody knows is an error', () => {
  expect(() => expandPromql('up{a="$other"}', HOUR)).toThrow('no value for $other');
  expect(() => expandSql('SELECT $__unknown', HOUR)).toThrow('no value for $__unknown');
});
