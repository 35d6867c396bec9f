import { crc32 } from '@node-rs/crc32';

const SIZE_AT = 8;
const CRC_AT = 12;
const MAGIC_AT = 16;

/**
 * Whether these are messages of magic 0 or 1, from before Kafka 0.11. A record batch's checksum does not cover its
 * magic: one whose magic was damaged would make kafkajs' decoder of old messages read nonsense, or throw, again and
 * again. So the first message's own checksum has to be right as well.
 */
export function isOldMessageSet(bytes: Buffer): boolean {
  if (bytes.length <= MAGIC_AT || (bytes[MAGIC_AT] as number) > 1) return false;
  const end = SIZE_AT + 4 + bytes.readInt32BE(SIZE_AT);
  // Cut off by the broker: nothing can be said, and kafkajs leaves out what is not whole.
  if (end > bytes.length) return true;
  return end > MAGIC_AT && crc32(bytes.subarray(MAGIC_AT, end)) === bytes.readUInt32BE(CRC_AT);
}
