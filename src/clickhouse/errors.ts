import { ClickHouseError } from '@clickhouse/client';
import { SpanweirError, toError } from '../base/errors.ts';

/** ClickHouse's numbers for "these bytes are not rows": sending them again can't help. */
const BAD_DATA = new Set([
  6, // CANNOT_PARSE_TEXT
  26, // CANNOT_PARSE_QUOTED_STRING
  27, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  33, // CANNOT_READ_ALL_DATA
  69, // ARGUMENT_OUT_OF_BOUND
  117, // INCORRECT_DATA
  131, // TOO_LARGE_STRING_SIZE
]);

/**
 * The database is not the one that this program was made for. It would be the same for every row, so no row is
 * to blame: whoever has rows waits until the operator has mended it.
 */
const OTHER_SCHEMA = new Set([
  10, // NOT_FOUND_COLUMN_IN_BLOCK
  16, // NO_SUCH_COLUMN_IN_TABLE
  20, // NUMBER_OF_COLUMNS_DOESNT_MATCH
  47, // UNKNOWN_IDENTIFIER
  53, // TYPE_MISMATCH
  60, // UNKNOWN_TABLE
  70, // CANNOT_CONVERT_TYPE
  81, // UNKNOWN_DATABASE
]);

/** ClickHouse does not let this user in. It passes when the operator mends it, so it is retried; not at a start. */
const NOT_ALLOWED = new Set([
  192, // UNKNOWN_USER
  193, // WRONG_PASSWORD
  497, // ACCESS_DENIED
  516, // AUTHENTICATION_FAILED
]);

export function isNotAllowed(error: unknown): boolean {
  const code = clickHouseCode(error);
  return code !== undefined && NOT_ALLOWED.has(code);
}

const TOO_MANY_PARTS = 252;

/**
 * What went wrong in a conversation with ClickHouse, and whether to try again. REFUSED is only said of rows
 * that can never be taken, since they are put aside as dead letters then. All else is retryable: it passes or
 * is mended, an insert's outcome may be unknown, and its token makes sending it again harmless.
 */
export function clickHouseError(thrown: unknown, doing: string): SpanweirError {
  if (thrown instanceof SpanweirError) return thrown;
  const error = toError(thrown);
  const code = error instanceof ClickHouseError ? Number(error.code) : Number.NaN;
  const hint = OTHER_SCHEMA.has(code) ? ' (the schema is not as it should be: see spanweir migrate)' : '';
  const message = `${doing}: ${firstLine(error)}${hint}`;
  if (BAD_DATA.has(code) || (code === TOO_MANY_PARTS && isPartitions(error))) {
    return new SpanweirError('REFUSED', message, { cause: error });
  }
  return new SpanweirError('UNAVAILABLE', message, { retry: 'backoff', cause: error });
}

/** ClickHouse's own number of the error behind a SpanweirError, if it was one. */
export function clickHouseCode(error: unknown): number | undefined {
  const cause = error instanceof SpanweirError ? error.cause : error;
  return cause instanceof ClickHouseError ? Number(cause.code) : undefined;
}

/**
 * Whether the server may have begun what failed, without saying how it went on: not after an answer, and not
 * when there was nobody to connect to.
 */
export function mayHaveArrived(error: unknown): boolean {
  if (clickHouseCode(error) !== undefined) return false;
  const cause = error instanceof SpanweirError ? error.cause : error;
  const errors = cause instanceof AggregateError ? cause.errors : [cause];
  return !errors.every((one) => NOT_CONNECTED.has((one as NodeJS.ErrnoException | undefined)?.code ?? ''));
}

const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** 252 is both "merges are behind", which passes, and "rows of too many days in one block", which does not. */
function isPartitions(error: Error): boolean {
  return error.message.includes('partitions');
}

/** A connection's failures come as an AggregateError with an empty message. */
function firstLine(error: Error): string {
  const inner = error instanceof AggregateError ? toError(error.errors[0]).message : '';
  return (error.message || inner || error.name).split('\n', 1)[0] as string;
}
