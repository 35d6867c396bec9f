import protobuf from 'protobufjs/minimal.js';

const OPTIONAL = 1;
const REPEATED = 3;
const DOUBLE = 1;
const INT32 = 5;
const STRING = 9;
const MESSAGE = 11;
const ENUM = 14;

type Field = readonly [name: string, number: number, type: number, typeName?: string, label?: number];

const PACKAGE = 'jaeger.api_v2';
const TYPE = `.${PACKAGE}.`;

const MESSAGES: Readonly<Record<string, readonly Field[]>> = {
  ProbabilisticSamplingStrategy: [['samplingRate', 1, DOUBLE]],
  RateLimitingSamplingStrategy: [['maxTracesPerSecond', 1, INT32]],
  OperationSamplingStrategy: [
    ['operation', 1, STRING],
    ['probabilisticSampling', 2, MESSAGE, `${TYPE}ProbabilisticSamplingStrategy`],
  ],
  PerOperationSamplingStrategies: [
    ['defaultSamplingProbability', 1, DOUBLE],
    ['defaultLowerBoundTracesPerSecond', 2, DOUBLE],
    ['perOperationStrategies', 3, MESSAGE, `${TYPE}OperationSamplingStrategy`, REPEATED],
    ['defaultUpperBoundTracesPerSecond', 4, DOUBLE],
  ],
  SamplingStrategyResponse: [
    ['strategyType', 1, ENUM, `${TYPE}SamplingStrategyType`],
    ['probabilisticSampling', 2, MESSAGE, `${TYPE}ProbabilisticSamplingStrategy`],
    ['rateLimitingSampling', 3, MESSAGE, `${TYPE}RateLimitingSamplingStrategy`],
    ['operationSampling', 4, MESSAGE, `${TYPE}PerOperationSamplingStrategies`],
  ],
  SamplingStrategyParameters: [['serviceName', 1, STRING]],
};

/**
 * The `google.protobuf.FileDescriptorProto` of the sampling service, for reflection: with it tools such as grpcurl call
 * it without a .proto file.
 */
export function samplingDescriptor(): Buffer {
  const file = protobuf.Writer.create();
  text(file, 1, 'sampling.proto');
  text(file, 2, PACKAGE);
  for (const [name, fields] of Object.entries(MESSAGES)) {
    nested(file, 4, (message) => {
      text(message, 1, name);
      for (const field of fields) nested(message, 2, (writer) => writeField(writer, field));
    });
  }
  nested(file, 5, (type) => {
    text(type, 1, 'SamplingStrategyType');
    for (const [number, name] of ['PROBABILISTIC', 'RATE_LIMITING'].entries()) {
      nested(type, 2, (value) => {
        text(value, 1, name);
        whole(value, 2, number);
      });
    }
  });
  nested(file, 6, (service) => {
    text(service, 1, 'SamplingManager');
    nested(service, 2, (method) => {
      text(method, 1, 'GetSamplingStrategy');
      text(method, 2, `${TYPE}SamplingStrategyParameters`);
      text(method, 3, `${TYPE}SamplingStrategyResponse`);
    });
  });
  text(file, 12, 'proto3');
  return Buffer.from(file.finish());
}

function writeField(writer: protobuf.Writer, [name, number, type, typeName, label = OPTIONAL]: Field): void {
  text(writer, 1, name);
  whole(writer, 3, number);
  whole(writer, 4, label);
  whole(writer, 5, type);
  if (typeName !== undefined) text(writer, 6, typeName);
  text(writer, 10, name);
}

function text(writer: protobuf.Writer, field: number, value: string): void {
  writer.uint32((field << 3) | 2).string(value);
}

function whole(writer: protobuf.Writer, field: number, value: number): void {
  writer.uint32(field << 3).int32(value);
}

function nested(writer: protobuf.Writer, field: number, write: (writer: protobuf.Writer) => void): void {
  writer.uint32((field << 3) | 2).fork();
  write(writer);
  writer.ldelim();
}
