/**
 * A replica in a process of its own: `replica-process.ts BROKERS TOPIC SELF [careless]` prints a line of JSON for
 * whatever changes. While it decides it writes one version after the other, each 1 % away from the one before. A
 * careless one never asks whether it may still decide.
 *
 * With SIGUSR2 it stops, as if by SIGSTOP, in the middle of its next write: before it asks for the commit, a careless
 * one before it begins the transaction.
 */
import { Socket } from 'node:net';
import { arm } from '../../../../src/base/failpoints.ts';
import { createProvider, perOperation, servedBy, shopRate, snapshotOf } from './fake-deciding.ts';

const [brokers = '', topic = '', self = '', how] = process.argv.slice(2);
if (how === 'careless') arm('bug:write_after_session_timeout', () => {});
const { provider, told } = createProvider({
  brokers: brokers.split(','),
  topic,
  self,
  roundEveryMs: 20,
  wanted: (served) => {
    const rate = shopRate(served) ?? 0.5;
    const next = rate * (rate > 0.5 ? 0.99 : 1.01);
    return snapshotOf({ shop: perOperation({ 'GET /': next }), [`by ${self}`]: perOperation({}) });
  },
});

const tell = (line: object): void =>
  void process.stdout.write(`${JSON.stringify({ self, atMs: Date.now(), ...line })}\n`);

/** Kafka's numbers of requests. */
const [ADD_PARTITIONS_TO_TXN, END_TXN] = [24, 26];
const stopsAt = how === 'careless' ? ADD_PARTITIONS_TO_TXN : END_TXN;
let isToStop = false;
process.on('SIGUSR2', () => {
  isToStop = true;
});
const write = Reflect.get(Socket.prototype, 'write') as (...args: unknown[]) => boolean;
Socket.prototype.write = function (this: Socket, ...args: unknown[]): boolean {
  const [request] = args;
  // A request begins with its size, then its number.
  if (isToStop && Buffer.isBuffer(request) && request.readInt16BE(4) === stopsAt) {
    isToStop = false;
    tell({ stops: true });
    process.kill(process.pid, 'SIGSTOP');
  }
  return Reflect.apply(write, this, args);
};

let version = 0;
let fenced = 0;
let decides = false;
setInterval(() => {
  const served = servedBy(provider);
  if (served !== undefined && served.version !== version) {
    version = served.version;
    tell({ version, rate: shopRate(served) });
  }
  const nowFenced = told.values.get('spanweir_sampling_transactions_total fenced') ?? 0;
  if (nowFenced !== fenced) tell({ fenced: nowFenced });
  fenced = nowFenced;
  const nowDecides = told.values.get('spanweir_sampling_controller') === 1;
  if (nowDecides !== decides) tell({ decides: nowDecides });
  decides = nowDecides;
}, 2);
await provider.start();
