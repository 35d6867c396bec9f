import { SpanweirError } from '../base/errors.ts';

/** Why a payload was refused: a closed set, so that it can be a metric's label. */
export type ScanReason =
  /** The bytes end in the middle of a tag, a number or a fixed-width field. */
  | 'truncated'
  /** A varint of more than 10 bytes, or a tag or length of more than 5. */
  | 'varint_too_long'
  /** A length that reaches beyond the message it stands in. */
  | 'length_out_of_range'
  /** A field that we read has another wire type than the schema gives it. */
  | 'wrong_wire_type'
  | 'field_number_zero'
  /** Start-group or end-group: no version of OTLP has groups. */
  | 'group'
  /** Wire types 6 and 7, which don't exist. */
  | 'unknown_wire_type'
  /** The attributes of a resource can't be read. */
  | 'malformed_resource'
  | 'too_many_spans'
  /** The batch has no room for the payload (2 GiB of arena), or a JSON text is longer than allowed. */
  | 'too_large'
  /** JSON nested deeper than allowed. */
  | 'too_deep'
  | 'json_syntax'
  /** A JSON value of another type than its field. */
  | 'json_type'
  /** A number that its field can't hold. */
  | 'json_number'
  /** An id that is not hexadecimal. */
  | 'json_id'
  | 'json_base64';

/** The one error of everything that reads payloads. */
export class ScanError extends SpanweirError {
  readonly reason: ScanReason;

  constructor(reason: ScanReason, detail?: string) {
    super('BAD_DATA', detail === undefined ? reason : `${reason}: ${detail}`);
    this.name = 'ScanError';
    this.reason = reason;
  }
}
