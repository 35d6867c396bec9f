import { arm } from '../base/failpoints.ts';

/** For the chaos harness: see base/failpoints.ts. */
export function armFaults(): void {
  const what = process.env.SPANWEIR_TEST_FAULT;
  if (what !== undefined && what !== '') arm(what, () => process.kill(process.pid, 'SIGKILL'));
}
