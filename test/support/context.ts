/**
 * What the integration project's parts provide: `inject('kafkaBrokers')` and so on in a test.
 */
declare module 'vitest' {
  export interface ProvidedContext {
    /** host:port of the real broker. */
    kafkaBrokers: string[];
    /** http://host:port of the real ClickHouse. */
    clickhouseUrl: string;
    /** http://host:port of the real Prometheus. */
    prometheusUrl: string;
    /** Path of the program. */
    promtool: string;
    /** Folder whose *.json files are Prometheus' scrape targets (file_sd). */
    scrapeTargetsDir: string;
    /** Pids of the parts that were started for this run. */
    partPids: Record<'kafka' | 'clickhouse' | 'prometheus', number | undefined>;
  }
}

export {};
