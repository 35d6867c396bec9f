// @ts-check
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Ports under the range that the kernel hands to outgoing connections (32768 and up on Linux): a port found
 * free here is not taken by somebody's client socket before its server starts.
 */
const FIRST = 15_000;
const LAST = 31_999;
/** Each worker has one port of so many in a row; 0 is the share of whoever is no worker. */
const SHARES = 8;
const share = Number(process.env.VITEST_POOL_ID ?? 0) % SHARES;

/**
 * A port of 127.0.0.1 on which nobody listens; different at every call of this process, and in every worker of a
 * test run: what one has found free and not yet opened, another can't find.
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const port = FIRST + SHARES * randomInt(Math.floor((LAST - FIRST) / SHARES)) + share;
    if (!given.has(port) && (await isFree(port))) {
      given.add(port);
      return port;
    }
  }
  throw new Error(`no free port between ${FIRST} and ${LAST} on 127.0.0.1`);
}

/**
 * `count` different free ports.
 * @param {number} count
 */
export async function freePorts(count) {
  /** @type {number[]} */
  const ports = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

/** @type {Set<number>} */
const given = new Set();

/**
 * Whether nobody listens on this port of 127.0.0.1.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
