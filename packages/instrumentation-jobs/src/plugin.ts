import type { Instrumentation, InstrumentationHost } from '@forge/instrumentation';
import { tracePgBoss } from './pg-boss.ts';

type BossClass = new (...args: unknown[]) => object;

/** Traces jobs: pg-boss by itself, any queue by `dispatchJob` and `instrumentJob`. */
export function jobs(): Instrumentation {
  return {
    name: 'jobs',
    supports: [{ module: 'pg-boss', versions: '>=10 <11' }],
    enable(host) {
      host.onModule('pg-boss', (exports) => replaceClass(exports, host));
      return () => undefined;
    },
  };
}

/** pg-boss is its class: `module.exports` to CommonJS, `default` to ES modules. */
function replaceClass(exports: unknown, host: InstrumentationHost): unknown {
  if (typeof exports === 'function') return tracedClass(exports as BossClass, host);
  const namespace = exports as { default?: unknown };
  if (typeof namespace.default !== 'function') return undefined;
  return { ...namespace, default: tracedClass(namespace.default as BossClass, host) };
}

function tracedClass(Boss: BossClass, host: InstrumentationHost): BossClass {
  return new Proxy(Boss, {
    construct(target, args: unknown[], newTarget) {
      const boss = Reflect.construct(target, args, newTarget) as object;
      return host.active ? tracePgBoss(boss) : boss;
    },
  });
}
