import protobuf from 'protobufjs/minimal.js';
import { SpanweirError } from '../base/errors.ts';
import type { OperationSampling, Strategy } from './strategy.ts';
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
