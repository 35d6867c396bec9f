import { assert } from '../base/assert.ts';
import type { ConfiguredComponent } from '../config/loaded-config.ts';
import { serviceGraphConnector } from '../connectors/service-graph/component.ts';
import { spanMetricsConnector } from '../connectors/span-metrics/component.ts';
import { clickHouseExporter } from '../exporters/clickhouse/component.ts';
import { debugExporter } from '../exporters/debug/component.ts';
import { kafkaExporter } from '../exporters/kafka/component.ts';
import { nopExporter } from '../exporters/nop/component.ts';
import { prometheusExporter } from '../exporters/prometheus/component.ts';
import { basicAuthExtension } from '../extensions/basicauth/component.ts';
import { bearerTokenAuthExtension } from '../extensions/bearertokenauth/component.ts';
import { embeddedClickHouseExtension } from '../extensions/embedded-clickhouse/component.ts';
import { healthcheckExtension } from '../extensions/healthcheckv2/component.ts';
import { overviewPageExtension } from '../extensions/overview-page/component.ts';
import { remoteSamplingExtension } from '../extensions/remote-sampling/component.ts';
import type { ComponentType } from '../flow/component-type.ts';
import { adaptiveSamplingProcessor } from '../processors/adaptive-sampling/component.ts';
import { kafkaReceiver } from '../receivers/kafka/component.ts';
import { nopReceiver } from '../receivers/nop/component.ts';
import { otlpReceiver } from '../receivers/otlp/component.ts';

/** Every component there is. What is not in this table can't be configured. */
export const COMPONENTS: readonly ComponentType[] = [
  kafkaReceiver,
  nopReceiver,
  otlpReceiver,
  adaptiveSamplingProcessor,
  serviceGraphConnector,
  spanMetricsConnector,
  clickHouseExporter,
  debugExporter,
  kafkaExporter,
  nopExporter,
  prometheusExporter,
  basicAuthExtension,
  bearerTokenAuthExtension,
  embeddedClickHouseExtension,
  healthcheckExtension,
  overviewPageExtension,
  remoteSamplingExtension,
];

/** The row of a component that the configuration names; its type was checked when the file was read. */
export function componentType<T extends ComponentType = ComponentType>(
  kind: T['kind'],
  component: ConfiguredComponent | undefined,
): T {
  const found = COMPONENTS.find((row) => row.kind === kind && row.type === component?.type);
  assert(found !== undefined, `no ${kind} of type ${component?.type}`);
  return found as T;
}
