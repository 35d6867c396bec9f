import { ClickHouseError } from '@clickhouse/client';
import { expect, test } from 'vitest';
import { SpanweirError } from '../../src/base/errors.ts';
import {
  clickHouseCode,
  clickHouseError,
  isNotAllowed,
  mayHaveArrived,
} from '../../src/clickhouse/errors.ts';

function fromServer(code: number, message: string): ClickHouseError {
  return new ClickHouseError({ message, code: String(code), type: 'X' });
}

test.each([
  [27, 'Cannot parse input'],
  [33, 'Cannot read all data'],
  [117, 'Incorrect data'],
  [252, 'Too many partitions for single INSERT block (more than 100)'],
])('code %i (%s) is final', (code, message) => {
  expect(clickHouseError(fromServer(code, message), 'insert')).toMatchObject({
    code: 'REFUSED',
    retry: 'never',
  });
});

test.each([
  [60, 'Table t.otel_traces does not exist'],
  [81, 'Database t does not exist'],
  [16, 'No such column KafkaOffset in table t.otel_traces'],
  [53, 'Type mismatch'],
])('code %i (%s) is nothing that the rows are to blame for: they wait', (code, message) => {
  expect(clickHouseError(fromServer(code, message), 'insert into otel_traces')).toMatchObject({
    code: 'UNAVAILABLE',
    retry: 'backoff',
    message: `insert into otel_traces: ${message} (the schema is not as it should be: see spanweir migrate)`,
  });
});

test.each([
  [115, 'Unknown setting'],
  [252, 'Too many parts (3000). Merges are processing significantly slower than inserts'],
  [202, 'Too many simultaneous queries'],
  [159, 'Timeout exceeded'],
  [209, 'Socket timeout'],
  [210, 'Connection refused'],
  [241, 'Memory limit exceeded'],
  [242, 'Table is in readonly mode'],
  [319, 'Unknown status of insert'],
  [999, 'Keeper exception'],
  [516, 'Authentication failed'],
  [12_345, 'a code that nobody has heard of'],
])('code %i (%s) is worth another try', (code, message) => {
  const error = clickHouseError(fromServer(code, message), 'insert');
  expect(error).toMatchObject({ code: 'UNAVAILABLE', retry: 'backoff' });
  expect(clickHouseCode(error)).toBe(code);
});

test('a connection that fails is worth another try, and says why', () => {
  const refused = new AggregateError([new Error('connect ECONNREFUSED 127.0.0.1:1')]);
  const error = clickHouseError(refused, 'insert into t');
  expect(error.message).toBe('insert into t: connect ECONNREFUSED 127.0.0.1:1');
  expect(error.retry).toBe('backoff');
});

test('an error that is ours already stays as it is', () => {
  const ours = new SpanweirError('STOPPING', 'x');
  expect(clickHouseError(ours, 'insert')).toBe(ours);
});

test('a user who is not let in is told apart', () => {
  expect(isNotAllowed(clickHouseError(fromServer(516, 'no'), 'x'))).toBe(true);
  expect(isNotAllowed(clickHouseError(fromServer(60, 'no'), 'x'))).toBe(false);
});

test('an insert may have been begun unless ClickHouse answered or nobody was there', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  const answered = fromServer(241, 'Memory limit exceeded');
  const arrived = (error: unknown): boolean => mayHaveArrived(clickHouseError(error, 'insert'));
  expect(arrived(reset)).toBe(true);
  expect(arrived(new Error('Timeout error.'))).toBe(true);
  expect(arrived(refused)).toBe(false);
  expect(arrived(new AggregateError([refused, refused]))).toBe(false);
  expect(arrived(new AggregateError([refused, reset]))).toBe(true);
  expect(arrived(answered)).toBe(false);
});
