import type { Deadline } from '../../../base/component.ts';
import type { Override } from '../../../sampling/adaptive/options.ts';
import { FilePins, isTyped } from '../../../sampling/strategies/file-pins.ts';
import type { StrategySnapshot } from '../../../sampling/strategies/snapshot.ts';
import type { FileStrategy } from '../../../sampling/strategies/strategies-file.ts';
import type { FileConfig } from '../serving/serving-config.ts';
import type { StrategyProvider } from '../strategy-provider.ts';
import { createFileProvider, type FileContext, type FileProvider } from './file-provider.ts';

interface PinnedFile {
  readonly loaded: FileProvider['loaded'];
  readonly filePins: FilePins;
  readonly pins: readonly Override[];
}

/** `combine: file_pins`: what the file names stands, the rest is adaptive; made anew when either changes. */
export class CombinedProvider implements StrategyProvider {
  readonly #adaptive: StrategyProvider;
  readonly #file: FileProvider;
  readonly #maxOperations: number;
  #pinned: PinnedFile | undefined;
  #combined: StrategySnapshot | undefined;
  #combinedOf: StrategySnapshot | undefined;

  constructor(adaptive: StrategyProvider, file: FileProvider, maxOperations: number) {
    this.#adaptive = adaptive;
    this.#file = file;
    this.#maxOperations = maxOperations;
  }

  get snapshot(): StrategySnapshot {
    const { snapshot } = this.#adaptive;
    const { filePins } = this.#current();
    if (this.#combined === undefined || this.#combinedOf !== snapshot) {
      this.#combined = filePins.combined(snapshot);
      this.#combinedOf = snapshot;
    }
    return this.#combined;
  }

  /** What the file fixes now, for whoever must not decide on it; the same array until the file changes. */
  pins(): readonly Override[] {
    return this.#current().pins;
  }

  /** The file first: what it holds must be right before anything is served. */
  async start(): Promise<void> {
    await this.#file.start();
    await this.#adaptive.start();
  }

  async stop(deadline: Deadline): Promise<void> {
    await Promise.all([this.#file.stop(deadline), this.#adaptive.stop(deadline)]);
  }

  #current(): PinnedFile {
    const { loaded } = this.#file;
    if (this.#pinned?.loaded === loaded) return this.#pinned;
    const filePins = new FilePins({ ...loaded, maxOperations: this.#maxOperations });
    this.#pinned = { loaded, filePins, pins: filePins.pins() };
    this.#combined = undefined;
    return this.#pinned;
  }
}

export function combineWithFile(
  adaptive: StrategyProvider,
  config: FileConfig,
  maxOperations: number,
  context: FileContext,
): CombinedProvider {
  // Without a type a service leaves its own rate to the algorithm: here that is no mistake.
  const file = createFileProvider(config, context, ({ strategy }) => isTyped(strategy as FileStrategy));
  return new CombinedProvider(adaptive, file, maxOperations);
}
