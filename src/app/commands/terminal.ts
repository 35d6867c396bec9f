import type { Clock } from '../../base/clock.ts';
import type { CommandIo } from './command.ts';

/** The part of a stream that is needed; process.stdout and process.stderr are such. */
export interface LineStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const CLEAR = '\r\x1b[2K';
/** Between two lines of progress where nothing can be rewritten. */
const PLAIN_INTERVAL_MS = 10_000;
/** Between two writes of the line on a terminal. */
const LIVE_INTERVAL_MS = 100;

/** Lines on two streams, with a line of progress on stderr that the others do not tear. */
export function createTerminal(
  out: LineStream,
  err: LineStream,
  clock: Clock,
): Pick<CommandIo, 'print' | 'complain' | 'progress'> {
  const live = err.isTTY === true;
  let shown: string | undefined;
  let writtenAt = Number.NEGATIVE_INFINITY;

  const line = (stream: LineStream, text: string): void => {
    if (shown !== undefined) err.write(CLEAR);
    stream.write(`${text}\n`);
    if (shown !== undefined) err.write(shown);
  };
  const rewrite = (text: string | undefined): void => {
    if (text === undefined) {
      if (shown !== undefined) err.write(CLEAR);
      shown = undefined;
    } else if (shown === undefined || clock.monotonicMs() - writtenAt >= LIVE_INTERVAL_MS) {
      writtenAt = clock.monotonicMs();
      shown = text.replaceAll('\n', ' ').slice(0, (err.columns ?? 80) - 1);
      err.write(`${CLEAR}${shown}`);
    }
  };
  const plain = (text: string | undefined): void => {
    if (text === undefined || clock.monotonicMs() - writtenAt < PLAIN_INTERVAL_MS) return;
    writtenAt = clock.monotonicMs();
    err.write(`${text}\n`);
  };
  return {
    print: (text) => line(out, text),
    complain: (text) => line(err, text),
    progress: live ? rewrite : plain,
  };
}
