import { createHash } from 'node:crypto';
import type { RecordHeader } from '../../flow/intake.ts';
import type { FoundLetter } from '../../receivers/kafka/dead-letter-headers.ts';
import { letterKey } from './dlq-collect.ts';
import { isMark, type OpenReceiver } from './dlq-places.ts';

/** A record as it was, and where it was found. */
export interface WholeRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  readonly from: 'the letter' | 'the folder' | 'the source topic';
}

/** Letters without a key and headers of their own: the block that was refused had kept the values only. */
const WITHOUT_KEY = 'block_refused';

/** The record of a letter; undefined when its value is nowhere any more. */
export async function wholeRecord(
  receiver: OpenReceiver,
  letter: FoundLetter,
): Promise<WholeRecord | undefined> {
  const isWhole = letter.omitted === undefined && letter.reason !== WITHOUT_KEY;
  if (isWhole) return { ...letter, from: 'the letter' };
  const inFolder = letter.omitted === undefined ? undefined : await fromFolder(receiver, letter);
  if (inFolder !== undefined) return { ...inFolder, from: 'the folder' };
  const original = letter.lastOffset === undefined ? await receiver.original(letter.position) : undefined;
  if (original !== undefined && isSame(original, letter)) {
    return { ...original, headers: original.headers ?? [], from: 'the source topic' };
  }
  return letter.omitted === undefined ? { ...letter, from: 'the letter' } : undefined;
}

async function fromFolder(receiver: OpenReceiver, letter: FoundLetter): Promise<FoundLetter | undefined> {
  for (const place of receiver.places.slice(1)) {
    for await (const found of place.scan(() => {})) {
      if (!isMark(found) && found.omitted === undefined && letterKey(found) === letterKey(letter))
        return found;
    }
  }
  return undefined;
}

/** The log may have been made anew since. */
function isSame(
  original: { readonly value: Uint8Array | null; readonly timestampMs: number },
  { omitted, value, timestampMs }: FoundLetter,
): boolean {
  if (original.timestampMs !== timestampMs || original.value === null) return false;
  if (omitted === undefined) return value !== null && Buffer.compare(original.value, value) === 0;
  return createHash('sha256').update(original.value).digest('hex') === omitted.sha256;
}
