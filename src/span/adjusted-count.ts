/**
 * How many original spans a sampled one stands for, from the `th` (rejection threshold) and `rv`
 * (randomness) of the `ot` member of a W3C trace state:
 * T = hex digits padded to 56 bits on the right; count = 2^56 / (2^56 - T).
 */

/** There is no valid threshold: the span stands for itself. */
export const NOT_ADJUSTED = 0;
/** rv < th: such a span could not have been sampled, so the threshold is not to be believed. */
export const INCONSISTENT = -1;

const HEX_DIGITS = 14;
const HALF = 2 ** 28;
const FULL = 2 ** 56;
/** The collector's bound on the `ot` member. */
const MAX_MEMBER = 256;

const OTHER = 0;
const TH = 0x7468;
const RV = 0x7276;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const COLON = 0x3a;
const EQUALS = 0x3d;

/** Of `bytes[at, at + length)`: the exact count (>= 1), NOT_ADJUSTED or INCONSISTENT. Allocates nothing. */
export function adjustedCount(bytes: Uint8Array, at: number, length: number): number {
  const end = at + length;
  let memberAt = at;
  while (memberAt < end) {
    const memberEnd = indexOf(bytes, COMMA, memberAt, end);
    const keyAt = skipBlanks(bytes, memberAt, memberEnd);
    if (
      memberEnd - keyAt > 3 &&
      bytes[keyAt] === 0x6f &&
      bytes[keyAt + 1] === 0x74 &&
      bytes[keyAt + 2] === EQUALS
    ) {
      return countOfMember(bytes, keyAt + 3, trimBlanks(bytes, keyAt + 3, memberEnd));
    }
    memberAt = memberEnd + 1;
  }
  return NOT_ADJUSTED;
}

function countOfMember(bytes: Uint8Array, at: number, end: number): number {
  if (end - at > MAX_MEMBER) return NOT_ADJUSTED;
  let threshold = -1;
  let thresholdLow = 0;
  let random = -1;
  let randomLow = 0;
  let fieldAt = at;
  while (fieldAt < end) {
    const fieldEnd = indexOf(bytes, SEMICOLON, fieldAt, end);
    const field = fieldName(bytes, fieldAt, fieldEnd);
    if (field !== OTHER) {
      const digits = fieldEnd - fieldAt - 3;
      const high = hexHalf(bytes, fieldAt + 3, fieldEnd, 0);
      const low = hexHalf(bytes, fieldAt + 3, fieldEnd, 7);
      if (high < 0 || low < 0 || digits > HEX_DIGITS || digits < (field === RV ? HEX_DIGITS : 1)) {
        return NOT_ADJUSTED;
      }
      if (field === TH) {
        threshold = high;
        thresholdLow = low;
      } else {
        random = high;
        randomLow = low;
      }
    }
    fieldAt = fieldEnd + 1;
  }
  if (threshold < 0) return NOT_ADJUSTED;
  const randomIsSmaller = random < threshold || (random === threshold && randomLow < thresholdLow);
  if (random >= 0 && randomIsSmaller) return INCONSISTENT;
  return FULL / ((HALF - threshold) * HALF - thresholdLow);
}

function fieldName(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 3 || bytes[at + 2] !== COLON) return OTHER;
  const name = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  return name === TH || name === RV ? name : OTHER;
}

/** Seven of the fourteen digits as a number, those beyond the value's end being 0; -1 if one is no digit. */
function hexHalf(bytes: Uint8Array, at: number, end: number, from: number): number {
  let value = 0;
  for (let i = from; i < from + 7; i++) {
    const digit = at + i < end ? hexDigit(bytes[at + i] as number) : 0;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x61 + 10 : -1;
}

function indexOf(bytes: Uint8Array, code: number, at: number, end: number): number {
  let i = at;
  while (i < end && bytes[i] !== code) i++;
  return i;
}

function skipBlanks(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && (bytes[i] === 0x20 || bytes[i] === 0x09)) i++;
  return i;
}

function trimBlanks(bytes: Uint8Array, at: number, end: number): number {
  let i = end;
  while (i > at && (bytes[i - 1] === 0x20 || bytes[i - 1] === 0x09)) i--;
  return i;
}
