import protobuf from 'protobufjs/minimal.js';
import { SpanweirError } from '../../base/errors.ts';
import type { OperationSampling, OperationStrategy, Strategy } from './strategy.ts';
import { typeNumber } from './strategy-json.ts';

const DOUBLE = 1;
const BYTES = 2;
const VARINT = 0;

/**
 * `jaeger.api_v2.SamplingStrategyResponse`: fields ascend (the Java SDK reads them in one pass), zeros are left
 * out as proto3 has it, and a part that exists is written even when all of it is zero.
 */
export function strategyProto(strategy: Strategy): Buffer {
  const writer = protobuf.Writer.create();
  const { probabilisticSampling, rateLimitingSampling, operationSampling } = strategy;
  const type = typeNumber(strategy.strategyType);
  if (type !== 0) writer.uint32(tag(1, VARINT)).int32(type);
  if (probabilisticSampling) writeRate(writer, tag(2, BYTES), probabilisticSampling.samplingRate);
  if (rateLimitingSampling) {
    writer.uint32(tag(3, BYTES)).fork();
    const { maxTracesPerSecond } = rateLimitingSampling;
    if (maxTracesPerSecond !== 0) writer.uint32(tag(1, VARINT)).int32(maxTracesPerSecond);
    writer.ldelim();
  }
  if (operationSampling) writeOperations(writer, operationSampling);
  return Buffer.from(writer.finish());
}

/** The service that a `jaeger.api_v2.SamplingStrategyParameters` asks for. @throws SpanweirError BAD_DATA. */
export function serviceOfRequest(bytes: Uint8Array): string {
  try {
    const reader = protobuf.Reader.create(bytes);
    let service = '';
    while (reader.pos < reader.len) {
      const key = reader.uint32();
      if (key === tag(1, BYTES)) service = reader.string();
      else reader.skipType(key & 7);
    }
    return service;
  } catch (error) {
    throw new SpanweirError('BAD_DATA', 'the request is not a SamplingStrategyParameters', { cause: error });
  }
}

/** A `jaeger.api_v2.SamplingStrategyParameters` that asks for a service. */
export function requestOfService(service: string): Buffer {
  const writer = protobuf.Writer.create();
  if (service !== '') writer.uint32(tag(1, BYTES)).string(service);
  return Buffer.from(writer.finish());
}

/** What another server replied. @throws SpanweirError BAD_DATA for what is no SamplingStrategyResponse. */
export function strategyOfReply(bytes: Uint8Array): Strategy {
  try {
    const reader = protobuf.Reader.create(bytes);
    const strategy: { -readonly [K in keyof Strategy]: Strategy[K] } = { strategyType: 'PROBABILISTIC' };
    readFields(reader, reader.len, (key) => {
      if (key === tag(1, VARINT)) {
        strategy.strategyType = reader.int32() === 1 ? 'RATE_LIMITING' : 'PROBABILISTIC';
      } else if (key === tag(2, BYTES)) strategy.probabilisticSampling = { samplingRate: readRate(reader) };
      else if (key === tag(3, BYTES)) {
        let maxTracesPerSecond = 0;
        readNested(reader, (field) => {
          if (field !== tag(1, VARINT)) return false;
          maxTracesPerSecond = reader.int32();
          return true;
        });
        strategy.rateLimitingSampling = { maxTracesPerSecond };
      } else if (key === tag(4, BYTES)) strategy.operationSampling = readOperations(reader);
      else return false;
      return true;
    });
    return strategy;
  } catch (error) {
    throw new SpanweirError('BAD_DATA', 'the reply is not a SamplingStrategyResponse', { cause: error });
  }
}

/** `take` reads the value of a field that it knows and says whether it did. */
function readFields(reader: protobuf.Reader, end: number, take: (key: number) => boolean): void {
  while (reader.pos < end) {
    const key = reader.uint32();
    if (!take(key)) reader.skipType(key & 7);
  }
}

function readNested(reader: protobuf.Reader, take: (key: number) => boolean): void {
  const length = reader.uint32();
  readFields(reader, reader.pos + length, take);
}

function readRate(reader: protobuf.Reader): number {
  let samplingRate = 0;
  readNested(reader, (key) => {
    if (key !== tag(1, DOUBLE)) return false;
    samplingRate = reader.double();
    return true;
  });
  return samplingRate;
}

function readOperations(reader: protobuf.Reader): OperationSampling {
  const doubles = [0, 0, 0, 0, 0];
  const perOperationStrategies: OperationStrategy[] = [];
  readNested(reader, (key) => {
    if (key === tag(3, BYTES)) {
      let operation = '';
      let samplingRate = 0;
      readNested(reader, (field) => {
        if (field === tag(1, BYTES)) operation = reader.string();
        else if (field === tag(2, BYTES)) samplingRate = readRate(reader);
        else return false;
        return true;
      });
      perOperationStrategies.push({ operation, probabilisticSampling: { samplingRate } });
      return true;
    }
    const field = key >> 3;
    if ((key & 7) !== DOUBLE || field > 4) return false;
    doubles[field] = reader.double();
    return true;
  });
  return {
    defaultSamplingProbability: doubles[1] as number,
    defaultLowerBoundTracesPerSecond: doubles[2] as number,
    perOperationStrategies,
    defaultUpperBoundTracesPerSecond: doubles[4] as number,
  };
}

function writeOperations(writer: protobuf.Writer, sampling: OperationSampling): void {
  writer.uint32(tag(4, BYTES)).fork();
  writeDouble(writer, 1, sampling.defaultSamplingProbability);
  writeDouble(writer, 2, sampling.defaultLowerBoundTracesPerSecond);
  for (const { operation, probabilisticSampling } of sampling.perOperationStrategies) {
    writer.uint32(tag(3, BYTES)).fork();
    if (operation !== '') writer.uint32(tag(1, BYTES)).string(operation);
    writeRate(writer, tag(2, BYTES), probabilisticSampling.samplingRate);
    writer.ldelim();
  }
  writeDouble(writer, 4, sampling.defaultUpperBoundTracesPerSecond);
  writer.ldelim();
}

function writeRate(writer: protobuf.Writer, key: number, samplingRate: number): void {
  writer.uint32(key).fork();
  writeDouble(writer, 1, samplingRate);
  writer.ldelim();
}

function writeDouble(writer: protobuf.Writer, field: number, value: number): void {
  if (value !== 0) writer.uint32(tag(field, DOUBLE)).double(value);
}

function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}
