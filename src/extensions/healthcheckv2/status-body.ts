import type { HealthStatus } from '../../base/instruments.ts';
import { type ComponentHealth, type PartHealth, worst } from '../../telemetry/health.ts';
import type { HealthcheckConfig } from './config.ts';

/** The names that the collector's extension uses. */
const NAMES: Readonly<Record<HealthStatus, string>> = {
  starting: 'StatusStarting',
  ok: 'StatusOK',
  recoverable: 'StatusRecoverableError',
  broken: 'StatusPermanentError',
  stopping: 'StatusStopping',
  stopped: 'StatusStopped',
};

export interface StatusBody {
  readonly start_time?: string;
  readonly healthy: boolean;
  readonly status: string;
  readonly error?: string;
  readonly status_time: string;
  readonly components?: Readonly<Record<string, StatusBody>>;
}

type Rules = HealthcheckConfig['component_health'];

/**
 * False makes the answer 503. Starting and stopping are not ready; trouble counts as far as the rules say.
 */
export function isHealthy(part: PartHealth, rules: Rules, nowMs: number): boolean {
  switch (part.status) {
    case 'ok':
      return true;
    case 'recoverable':
      return !(rules.include_recoverable_errors && nowMs - part.sinceMs >= rules.recovery_duration);
    case 'broken':
      return !rules.include_permanent_errors;
    case 'starting':
    case 'stopping':
    case 'stopped':
      return false;
  }
}

/** All are healthy, and there is something at all. */
export function areHealthy(parts: readonly PartHealth[], rules: Rules, nowMs: number): boolean {
  return parts.length > 0 && parts.every((part) => isHealthy(part, rules, nowMs));
}

export interface View {
  readonly components: readonly ComponentHealth[];
  readonly rules: Rules;
  readonly nowMs: number;
  readonly verbose: boolean;
}

/** The whole process: groups (pipelines and extensions), and in them the components when `verbose`. */
export function processStatus(view: View, startedMs: number): StatusBody {
  const groups = [...new Set(view.components.flatMap((component) => component.groups))].sort();
  const parts = Object.fromEntries(groups.map((group) => [groupName(group), groupStatus(view, group)]));
  return {
    start_time: new Date(startedMs).toISOString(),
    ...own(view.components, view),
    ...(view.verbose ? { components: parts } : {}),
  };
}

/** One pipeline, or `extensions`. */
export function groupStatus(view: View, group: string): StatusBody {
  const members = view.components.filter((component) => component.groups.includes(group));
  const parts = Object.fromEntries(members.map((member) => [member.key, own([member], view)]));
  return { ...own(members, view), ...(view.verbose ? { components: parts } : {}) };
}

function groupName(group: string): string {
  return group === 'extensions' ? group : `pipeline:${group}`;
}

function own(parts: readonly PartHealth[], { rules, nowMs }: View): StatusBody {
  const { status, reason, sinceMs } = worst(parts);
  return {
    healthy: areHealthy(parts, rules, nowMs),
    status: NAMES[status],
    ...(reason === '' ? {} : { error: reason }),
    status_time: new Date(sinceMs).toISOString(),
  };
}
