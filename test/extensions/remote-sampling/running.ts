import { createListeners, type OpenableListeners } from '../../../src/app/listeners.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { remoteSamplingExtension } from '../../../src/extensions/remote-sampling/component.ts';
import { remoteSamplingConfig } from '../../../src/extensions/remote-sampling/config.ts';
import type { RemoteSampling } from '../../../src/extensions/remote-sampling/remote-sampling.ts';
import type { GrpcServices, HttpRoutes, MainContext } from '../../../src/flow/host.ts';
import { NO_HURRY, recording } from './recording.ts';
import { type Answer, get } from './served.ts';

const running: { extension: RemoteSampling; listeners: OpenableListeners }[] = [];

/** Ends what `startExtension` began; belongs into `afterEach`. */
export async function stopExtensions(): Promise<void> {
  for (const { extension, listeners } of running.splice(0)) {
    await listeners.close(NO_HURRY);
    await extension.stop(NO_HURRY);
  }
}

/** The extension behind real listeners on free ports. */
export async function startExtension(
  config: object,
  clock: Clock,
  peers: Readonly<Record<string, unknown>> = {},
) {
  const seen = recording({ clock });
  const listeners = createListeners({ ...seen.context });
  const http: HttpRoutes[] = [];
  const grpc: GrpcServices[] = [];
  let post: (lane: number, message: unknown) => void = () => {};
  const context: MainContext = {
    ...seen.context,
    listeners: {
      http: (address, option, limits) => {
        const routes = listeners.http(address, option, limits);
        http.push(routes);
        return routes;
      },
      grpc: (address, option, limits) => {
        const services = listeners.grpc(address, option, limits);
        grpc.push(services);
        return services;
      },
    },
    ingress: () => Promise.reject(new Error('not here')),
    onLaneMessage: (handler) => {
      post = handler;
    },
    onRed: () => {},
    redInputs: [],
    peer: (key) => peers[key],
  };
  const parsed = remoteSamplingConfig.parse({
    http: { endpoint: '127.0.0.1:0' },
    grpc: { endpoint: '127.0.0.1:0' },
    ...config,
  });
  const extension = remoteSamplingExtension.createMain?.(parsed, context) as RemoteSampling;
  await extension.start();
  await listeners.open();
  running.push({ extension, listeners });
  const ask = (target: string, method?: string): Promise<Answer> => get(http[0]?.port() ?? 0, target, method);
  return {
    seen,
    extension,
    ask,
    http,
    grpc,
    listeners,
    grpcPort: grpc[0]?.port() ?? 0,
    post: (m: unknown) => post(0, m),
  };
}
