import { SECTION_NAMES, SECTIONS } from './defined.ts';
import type { LoadedConfig } from './loaded-config.ts';

export interface HealthGroups {
  /** `receiver:kafka`. */
  readonly key: string;
  /** Ids of the pipelines that it stands in, or `extensions`. */
  readonly groups: readonly string[];
}

/** Where every component belongs when the process is asked how it is. */
export function healthGroups(config: LoadedConfig): HealthGroups[] {
  return SECTION_NAMES.flatMap((section) =>
    Object.keys(config[section]).map((id) => ({
      key: `${SECTIONS[section]}:${id}`,
      groups:
        section === 'extensions'
          ? ['extensions']
          : config.service.pipelines
              .filter(({ receivers, processors, exporters }) =>
                [...receivers, ...processors, ...exporters].includes(id),
              )
              .map((pipeline) => pipeline.id),
    })),
  );
}
