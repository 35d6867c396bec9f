/** Waits until `check` does not throw any more; fails with its last error after `deadlineMs`. */
export async function eventually(check: () => void | Promise<void>, deadlineMs = 5000): Promise<void> {
  const endMs = Date.now() + deadlineMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
