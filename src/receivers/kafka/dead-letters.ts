import type { QuarantinedRecord } from '../../flow/intake.ts';

/** A record (or a whole record batch) that could not be read, and where it stood. */
export interface DeadLetter extends QuarantinedRecord {
  readonly clusterId: string;
  readonly topic: string;
  readonly partition: number;
}

/** Where dead letters are kept. Putting one twice (after a crash) is harmless: its position names it. */
export interface DeadLetters {
  /** Resolves when letters can be put; rejects with a SpanweirError that says what is missing. */
  prepare(): Promise<void>;
  /** Resolves when the letter is safe; rejects with a SpanweirError when that failed. */
  put(letter: DeadLetter): Promise<void>;
  stop(): Promise<void>;
}

/** Who put a letter aside, and when. */
export interface PutAside {
  readonly atMs: number;
  /** The release that did. */
  readonly version: string;
}
