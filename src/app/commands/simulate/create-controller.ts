import {
  type AdaptiveConfig,
  roundTimes,
} from '../../../extensions/remote-sampling/adaptive/adaptive-config.ts';
import { createController } from '../../../extensions/remote-sampling/adaptive/create-controller.ts';
import type { CreateController, Rhythm } from '../../../sampling/simulator/simulation.ts';

export interface SimulatedControl {
  readonly create: CreateController;
  readonly rhythm: Rhythm;
}

/** As many operations as a reply carries unless somebody sets it otherwise. */
const MAX_OPERATIONS = 250;

/** The controller that the extension would run with these options, and when it would be run. */
export function simulatedControl(config: AdaptiveConfig): SimulatedControl {
  const { intervalMs, delayMs } = roundTimes(config);
  return {
    create: () => createController(config, { maxOperations: MAX_OPERATIONS, listRetired: true }),
    rhythm: { intervalS: intervalMs / 1000, delayS: delayMs / 1000, windowS: config.window / 1000 },
  };
}
