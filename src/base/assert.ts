/** Stops the program on a programmer's error; never used for bad input or a failing peer. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
