import { adaptiveOptions } from '../../../extensions/remote-sampling/component.ts';
import { JaegerAdapter } from '../../../sampling/simulator/jaeger-adapter.ts';
import type { CreateController } from '../../../sampling/simulator/simulation.ts';
import type { ControllerConfig } from './read-scenario.ts';

/** The controller that the extension would run with these options. */
export function controllerOf(config: ControllerConfig): CreateController {
  const options = adaptiveOptions(config);
  return () => new JaegerAdapter(options);
}
