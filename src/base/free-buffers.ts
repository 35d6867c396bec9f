import { MessageChannel } from 'node:worker_threads';

const nowhere = new MessageChannel();
nowhere.port1.close();
nowhere.port2.close();

/**
 * Gives the memory of buffers back at once; they are empty then. The collector would find them when 64 MB of such
 * memory have gathered, since what is outside of the heap is no reason for it to look sooner. None of them may be
 * Node's own pool, or memory of a library's.
 */
export function freeBuffers(buffers: readonly ArrayBuffer[]): void {
  // A message that nobody can receive takes them along.
  nowhere.port1.postMessage(undefined, [...buffers]);
}
