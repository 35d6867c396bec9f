/** What a room may hold to speak about itself. The implementations live in telemetry/. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface Counter {
  add(n: number): void;
}

export interface Gauge {
  set(value: number): void;
}

/** How long things took, of which quantiles are shown. */
export interface Timer {
  record(seconds: number): void;
}

/**
 * Instruments by the name that telemetry/metrics.ts declares (an undeclared name is a programmer's error).
 * Ask once and keep the instrument: asking is slow, adding is one array write.
 */
export interface Instruments {
  counter(name: string, labels?: Readonly<Record<string, string>>): Counter;
  gauge(name: string, labels?: Readonly<Record<string, string>>): Gauge;
  timer(name: string, labels?: Readonly<Record<string, string>>): Timer;
}

/** How a component feels. `recoverable` = degraded but trying; `broken` = will not come back by itself. */
export type HealthStatus = 'starting' | 'ok' | 'recoverable' | 'broken' | 'stopping' | 'stopped';

export interface HealthReporter {
  report(status: HealthStatus, reason?: string): void;
}
