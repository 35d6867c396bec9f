import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticator } from '../base/authenticator.ts';
import type { Counter } from '../base/instruments.ts';
import { replyText } from './replies.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, ...rest: never[]) => void | Promise<void>;

/** The handler for those who are let in; others get 401 and are counted. Without an authenticator everyone is. */
export function guarded<H extends Handler>(
  handler: H,
  authenticator: Authenticator | undefined,
  refused: Counter,
): H {
  if (authenticator === undefined) return handler;
  const refuse = (response: ServerResponse): void => {
    refused.add(1);
    replyText(response, 401, '401 unauthorized\n', { 'www-authenticate': authenticator.challenge });
  };
  const guard: Handler = (request, response, ...rest) => {
    const value = request.headers[authenticator.header];
    const verdict = authenticator.admits(typeof value === 'string' ? value : value?.[0]);
    if (verdict === true) return handler(request, response, ...rest);
    if (verdict === false) return refuse(response);
    return verdict.then((isAdmitted) =>
      isAdmitted ? handler(request, response, ...rest) : refuse(response),
    );
  };
  return guard as H;
}
