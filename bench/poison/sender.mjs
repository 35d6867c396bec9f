// @ts-check
import { parentPort, workerData } from 'node:worker_threads';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';

/**
 * Produces one message at a time in a thread of its own: encoding 50 MB takes kafkajs so long that nobody else in
 * its thread could look at a clock meanwhile.
 */
const { brokers, topic } = workerData;
const producer = new Kafka({ brokers, clientId: 'poison', logLevel: logLevel.NOTHING }).producer();
const connected = producer.connect();

parentPort?.on('message', (order) => void obey(order));

/** @param {{ value: Uint8Array | null, partition: number, gzip: boolean, end?: boolean }} order */
async function obey({ value, partition, gzip, end }) {
  await connected;
  if (end === true) {
    await producer.disconnect();
    parentPort?.close();
    return;
  }
  const compression = gzip ? CompressionTypes.GZIP : CompressionTypes.None;
  const messages = [{ partition, value: value === null ? null : Buffer.from(value) }];
  const [sent] = await producer.send({ topic, acks: -1, compression, messages });
  parentPort?.postMessage(Number(sent?.baseOffset));
}
