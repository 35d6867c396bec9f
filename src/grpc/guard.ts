import {
  type ServerUnaryCall,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Authenticator } from '../base/authenticator.ts';
import type { Counter } from '../base/instruments.ts';

type Unary = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => unknown;

/** Unary methods for those who are let in; others get UNAUTHENTICATED and are counted. */
export function guarded(
  implementation: UntypedServiceImplementation,
  authenticator: Authenticator | undefined,
  refused: Counter,
): UntypedServiceImplementation {
  if (authenticator === undefined) return implementation;
  const answer = (isAdmitted: boolean, method: Unary, ...call: Parameters<Unary>): unknown => {
    if (isAdmitted) return method(...call);
    refused.add(1);
    call[1]({ code: status.UNAUTHENTICATED, details: 'unauthenticated' });
    return undefined;
  };
  const guardedMethod = (method: Unary): Unary => {
    return (call, callback) => {
      const value = call.metadata.get(authenticator.header)[0];
      const verdict = authenticator.admits(value === undefined ? undefined : String(value));
      if (typeof verdict === 'boolean') return answer(verdict, method, call, callback);
      return verdict.then((isAdmitted) => answer(isAdmitted, method, call, callback));
    };
  };
  return Object.fromEntries(
    Object.entries(implementation).map(([name, method]) => [name, guardedMethod(method as Unary)]),
  );
}
