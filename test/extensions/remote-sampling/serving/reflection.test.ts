import { Client, credentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { startExtension, stopExtensions } from '../running.ts';

afterEach(stopExtensions);

const { root } = protobuf.parse(`
syntax = "proto3";
message Request { oneof message_request { string file_containing_symbol = 4; string list_services = 7; } }
message Files { repeated bytes file_descriptor_proto = 1; }
message Service { string name = 1; }
message Services { repeated Service service = 1; }
message Field { string name = 1; int32 number = 3; string type_name = 6; }
message Message { string name = 1; repeated Field field = 2; }
message Method { string name = 1; string input_type = 2; string output_type = 3; }
message Manager { string name = 1; repeated Method method = 2; }
message File { string package = 2; repeated Message message_type = 4; repeated Manager service = 6; }
message Response { Files file_descriptor_response = 4; Services list_services_response = 6; }
`);
const [request, response, file] = ['Request', 'Response', 'File'].map((name) => root.lookupType(name)) as [
  protobuf.Type,
  protobuf.Type,
  protobuf.Type,
];

interface Described {
  readonly package: string;
  readonly service: readonly object[];
  readonly messageType: readonly { readonly name: string; readonly field: readonly object[] }[];
}

interface Reflected {
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Uint8Array[] };
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
}

function reflect(port: number, question: object): Promise<Reflected> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const stream = client.makeBidiStreamRequest<object, Reflected>(
    path,
    (message) => Buffer.from(request.encode(request.create(message)).finish()),
    (bytes) => response.decode(bytes) as unknown as Reflected,
  );
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('data', (answer: Reflected) => {
      resolve(answer);
      stream.end();
      client.close();
    });
    stream.write(question);
  });
}

test('reflection names the sampling service and describes its messages, on every address', async () => {
  const { grpc } = await startExtension(
    {
      file: {},
      grpc: { endpoint: '127.0.0.1:0', extra_endpoints: ['127.0.0.1:0'] },
    },
    systemClock,
  );
  for (const services of grpc) {
    const { listServicesResponse } = await reflect(services.port(), { listServices: '' });
    expect(listServicesResponse?.service.map(({ name }) => name)).toContain('jaeger.api_v2.SamplingManager');
    const { fileDescriptorResponse } = await reflect(services.port(), {
      fileContainingSymbol: 'jaeger.api_v2.SamplingManager',
    });
    const described = file.decode(
      fileDescriptorResponse?.fileDescriptorProto[0] as Uint8Array,
    ) as unknown as Described;
    expect(described.package).toBe('jaeger.api_v2');
    expect(described.service).toMatchObject([
      {
        name: 'SamplingManager',
        method: [
          {
            name: 'GetSamplingStrategy',
            inputType: '.jaeger.api_v2.SamplingStrategyParameters',
            outputType: '.jaeger.api_v2.SamplingStrategyResponse',
          },
        ],
      },
    ]);
    const reply = described.messageType.find(({ name }) => name === 'SamplingStrategyResponse');
    expect(reply?.field).toMatchObject([
      { name: 'strategyType', number: 1, typeName: '.jaeger.api_v2.SamplingStrategyType' },
      { name: 'probabilisticSampling', number: 2 },
      { name: 'rateLimitingSampling', number: 3 },
      { name: 'operationSampling', number: 4 },
    ]);
  }
});
