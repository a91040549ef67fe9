import type { Diagnostics, Propagation, Tracer } from '@forge/core';

/** A library that a plugin patches: its npm name and the versions it was tested with, as a semver range. */
export interface SupportedModule {
  readonly module: string;
  readonly versions: string;
}

/**
 * A plugin. Made by a factory that takes its options and does nothing else: `http({ ignorePaths: ['/healthz'] })`.
 * It has no base class; `@forge/instrumentation/conformance` proves that one keeps the contract.
 */
export interface Instrumentation {
  /** Lower case, unique: `http`. The key of `[observability.instrument]` in forge.toml. */
  readonly name: string;
  /** What it patches; empty for plugins that need no library (diagnostics channels, wrappers). */
  readonly supports: readonly SupportedModule[];
  /** Starts tracing; returns the undo, which restores everything that it changed. */
  enable(host: InstrumentationHost): () => void;
}

/** What a plugin may use of the tracer. One a plugin. */
export interface InstrumentationHost {
  /** Its scope is the plugin's name. */
  readonly tracer: Tracer;
  readonly propagation: Propagation;
  readonly diagnostics: Diagnostics;
  /**
   * False once the plugin is disabled: wrappers that the application still holds must then only call through.
   */
  readonly active: boolean;
  /**
   * A hook of the plugin threw: says so once, counts it and disables this plugin alone.
   * Every hook catches its own errors and hands them here; the application's own errors pass through untouched.
   */
  fail(hook: string, error: unknown): void;
  /**
   * Calls `patch` with the exports of `module` when it is loaded (at once if it already is and can be reached).
   * What `patch` returns replaces the exports; undefined leaves them, patched in place.
   */
  onModule(module: string, patch: (exports: unknown, info: LoadedModule) => unknown): void;
}

export interface LoadedModule {
  readonly name: string;
  /** From its package.json; undefined where there is none. */
  readonly version: string | undefined;
  readonly kind: 'esm' | 'cjs';
}

/** What became of a plugin, for `forge doctor` and the start line. */
export interface InstrumentationState {
  readonly name: string;
  readonly status: 'enabled' | 'disabled' | 'failed';
  /** Why it is not enabled, or what it could not reach: `pg 7.0.0 is outside >=8.0.0`. */
  readonly notes: readonly string[];
  /** The libraries that it reached so far. */
  readonly modules: readonly LoadedModule[];
}
