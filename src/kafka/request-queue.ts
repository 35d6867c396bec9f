/** The part of kafkajs' RequestQueue that is used here: the requests of one connection. */
interface RequestQueue {
  /** Requests that wait until the broker's throttling is over, or another request is answered. */
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests: (this: RequestQueue) => void;
}

/**
 * kafkajs looks for waiting requests with a timer that begins again each time it has looked. When nothing waits, that
 * is every millisecond, for each connection and as long as it lives: a tenth of an ingest thread's CPU, and what an
 * idle one takes. Whoever lets a request wait starts the timer too, so without one it may rest.
 */
export function hookRequestQueue(RequestQueueClass: { readonly prototype: RequestQueue }): void {
  const original = RequestQueueClass.prototype.scheduleCheckPendingRequests;
  RequestQueueClass.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) original.call(this);
  };
}
