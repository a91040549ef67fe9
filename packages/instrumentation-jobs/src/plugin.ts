import { replaceDefault, type Instrumentation, type InstrumentationHost } from '@forge/instrumentation';
import { tracePgBoss } from './pg-boss.ts';

type BossClass = new (...args: unknown[]) => object;

/** Traces jobs: pg-boss by itself, any queue by `dispatchJob` and `instrumentJob`. */
export function jobs(): Instrumentation {
  return {
    name: 'jobs',
    supports: [{ module: 'pg-boss', versions: '>=10 <11' }],
    enable(host) {
      const undos: (() => void)[] = [];
      host.onModule('pg-boss', (exports) => {
        // One class is all that pg-boss exports.
        const replaced = replaceDefault<BossClass>(exports, (Boss) => tracedClass(Boss, host));
        undos.push(replaced.undo);
        return replaced.exports;
      });
      return () => undos.forEach((undo) => undo());
    },
  };
}

function tracedClass(Boss: BossClass, host: InstrumentationHost): BossClass {
  return new Proxy(Boss, {
    construct(target, args: unknown[], newTarget) {
      const boss = Reflect.construct(target, args, newTarget) as object;
      return host.active ? tracePgBoss(boss) : boss;
    },
  });
}
