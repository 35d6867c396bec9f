import type { QuarantinedRecord } from '../../flow/intake.ts';

/** A record (or a whole record batch) that could not be read, and where it stood. */
export interface DeadLetter extends QuarantinedRecord {
  readonly clusterId: string;
  readonly topic: string;
  readonly partition: number;
}

/** Where dead letters are kept. Putting one twice (after a crash) is harmless: its position names it. */
export interface DeadLetters {
  /** Resolves when the letter is safe; rejects with a SpanweirError when that failed. */
  put(letter: DeadLetter): Promise<void>;
  stop(): Promise<void>;
}
