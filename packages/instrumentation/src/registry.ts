import type { Diagnostics, Propagation, Tracer, TracerProvider } from '@forge/core';
import satisfies from 'semver/functions/satisfies.js';
import type {
  Instrumentation,
  InstrumentationHost,
  InstrumentationState,
  LoadedModule,
  SupportedModule,
} from './contract.ts';

export interface RegistryOptions {
  readonly provider: TracerProvider;
  readonly propagation: Propagation;
  readonly diagnostics: Diagnostics;
  /** How modules are reached; without it `onModule` finds nothing and plugins rely on explicit wrappers. */
  readonly onModule?: (module: string, patch: (exports: unknown, info: LoadedModule) => unknown) => () => void;
}

/** The plugins of a running tracer. */
export interface InstrumentationRegistry {
  /** Enables plugins; one that throws is disabled and reported, the others go on. A name already there is refused with a warning. */
  enable(instrumentations: readonly Instrumentation[]): void;
  /** The host of an enabled plugin, for its explicit wrappers. */
  host(name: string): InstrumentationHost | undefined;
  states(): InstrumentationState[];
  /** Undoes all. */
  disable(): void;
}

class PluginHost implements InstrumentationHost {
  readonly tracer: Tracer;
  readonly propagation: Propagation;
  readonly diagnostics: Diagnostics;
  active = true;
  status: InstrumentationState['status'] = 'enabled';
  readonly notes: string[] = [];
  readonly modules: LoadedModule[] = [];
  failures = 0;
  undo: (() => void) | undefined = undefined;
  readonly #name: string;
  readonly #supports: readonly SupportedModule[];
  readonly #options: RegistryOptions;
  readonly #moduleUndos: (() => void)[] = [];

  constructor({ name, supports }: Instrumentation, options: RegistryOptions) {
    this.#name = name;
    this.#supports = supports;
    this.#options = options;
    this.tracer = options.provider.getTracer(`@forge/instrumentation-${name}`);
    this.propagation = options.propagation;
    this.diagnostics = options.diagnostics;
  }

  fail(hook: string, error: unknown): void {
    this.failures++;
    if (!this.active) return;
    this.status = 'failed';
    const reason = error instanceof Error ? error.message : String(error);
    this.notes.push(`${hook} failed: ${reason}`);
    this.diagnostics.warnOnce(
      `plugin:${this.#name}`,
      `instrumentation "${this.#name}" is disabled: its hook ${hook} failed: ${reason}`,
    );
    this.stop();
  }

  onModule(module: string, patch: (exports: unknown, info: LoadedModule) => unknown): void {
    const undo = this.#options.onModule?.(module, (exports, info) => {
      if (!this.active || !this.#accepts(info, module)) return undefined;
      try {
        return patch(exports, info);
      } catch (error) {
        this.fail(`patch of ${module}`, error);
        return undefined;
      }
    });
    if (undo !== undefined) this.#moduleUndos.push(undo);
  }

  /** A version that the plugin was never tried with stays as it is: better untraced than broken. */
  #accepts(info: LoadedModule, module: string): boolean {
    const unfit = unsupportedVersion(this.#supports, module, info.version);
    if (unfit === undefined) {
      if (this.modules.length < MAX_MODULES) this.modules.push(info);
      return true;
    }
    if (!this.notes.includes(unfit)) this.notes.push(unfit);
    this.#options.diagnostics.warnOnce(
      `version:${unfit}`,
      `${unfit}, which instrumentation "${this.#name}" knows: it is not traced`,
    );
    return false;
  }

  stop(): void {
    this.active = false;
    for (const undo of [this.undo, ...this.#moduleUndos.splice(0)]) {
      try {
        undo?.();
      } catch (error) {
        this.notes.push(`undo failed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    this.undo = undefined;
  }
}

/** Copies of a library: one in each package of a monorepo, twice where both `import` and `require` are used. */
const MAX_MODULES = 100;

/**
 * `pg 7.0.0 is outside >=8.6 <9`, or undefined where the version is within the plugin's ranges. A version that nobody
 * knows is taken as supported, and so are the modules that a plugin names no range for.
 */
export function unsupportedVersion(
  supports: readonly SupportedModule[],
  module: string,
  version: string | undefined,
): string | undefined {
  if (version === undefined) return undefined;
  const ranges = supports.filter((supported) => supported.module === module).map(({ versions }) => versions);
  if (ranges.length === 0 || ranges.some((range) => satisfies(version, range, { includePrerelease: true })))
    return undefined;
  return `${module} ${version} is outside ${ranges.join(' || ')}`;
}

export function createRegistry(options: RegistryOptions): InstrumentationRegistry {
  const hosts = new Map<string, PluginHost>();
  const unregister = options.diagnostics.register(() => {
    const counts: Record<string, number> = {};
    for (const [name, host] of hosts) counts[`forge_instrumentation_failures_total{plugin="${name}"}`] = host.failures;
    return counts;
  });

  function enableOne(instrumentation: Instrumentation): void {
    const { name } = instrumentation;
    if (hosts.has(name)) {
      options.diagnostics.warnOnce(
        `plugin-twice:${name}`,
        `instrumentation "${name}" is given twice: the second one is left out`,
      );
      return;
    }
    const host = new PluginHost(instrumentation, options);
    hosts.set(name, host);
    try {
      const undo = instrumentation.enable(host);
      if (host.active) host.undo = undo;
      else undo();
    } catch (error) {
      host.fail('enable', error);
    }
  }

  return {
    enable(instrumentations) {
      for (const instrumentation of instrumentations) enableOne(instrumentation);
    },
    host: (name) => {
      const host = hosts.get(name);
      return host?.active === true ? host : undefined;
    },
    states: () => [...hosts].map(([name, { status, notes, modules }]) => ({ name, status, notes, modules })),
    disable() {
      for (const host of hosts.values()) {
        if (host.status === 'enabled') host.status = 'disabled';
        host.stop();
      }
      unregister();
    },
  };
}

// The running registry of the process, shared by every loaded copy of this package.
const KEY = Symbol.for('forge.instrumentation.v1');
const holder = globalThis as unknown as Record<symbol, InstrumentationRegistry | undefined>;

/** Makes `registry` the one that explicit wrappers (`tracePostgres(sql)`) look their plugin up in; returns the undo. */
export function installRegistry(registry: InstrumentationRegistry): () => void {
  holder[KEY] = registry;
  return () => {
    if (holder[KEY] === registry) holder[KEY] = undefined;
  };
}

/** The host of the running plugin `name`, or undefined: wrappers then only call through. Cheap enough for every call. */
export function activeHost(name: string): InstrumentationHost | undefined {
  return holder[KEY]?.host(name);
}
