export interface WaitOptions {
  /** Default 60 s: it costs nothing when all is well. */
  readonly deadlineMs?: number;
  /** Default 50 ms. */
  readonly everyMs?: number;
}

/**
 * Asks until the answer is truthy and returns it. What `condition` throws counts as "not yet" and is named
 * when the deadline is over; `what` completes the sentence "... did not happen: ".
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  { deadlineMs = 60_000, everyMs = 50 }: WaitOptions = {},
): Promise<Exclude<T, undefined | null | false | 0 | ''>> {
  const end = performance.now() + deadlineMs;
  let last: unknown;
  do {
    try {
      last = await condition();
      if (last) return last as Exclude<T, undefined | null | false | 0 | ''>;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  } while (performance.now() < end);
  throw new Error(`within ${deadlineMs} ms this did not happen: ${what}; last answer: ${String(last)}`);
}
