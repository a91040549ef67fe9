import { replaceDefault, replaceNamed, type Instrumentation, type InstrumentationHost } from '@forge/instrumentation';
import { BULL_CLASSES } from './bull-classes.ts';
import { GRAPHILE_FUNCTIONS } from './graphile-functions.ts';
import { tracePgBoss } from './pg-boss.ts';

type BossClass = new (...args: unknown[]) => object;

/** Traces jobs: pg-boss, BullMQ and graphile-worker by themselves, any other queue by `dispatchJob` and `instrumentJob`. */
export function jobs(): Instrumentation {
  return {
    name: 'jobs',
    supports: [
      { module: 'pg-boss', versions: '>=10 <11' },
      { module: 'bullmq', versions: '>=5.14 <7' },
      { module: 'graphile-worker', versions: '>=0.16 <0.18' },
    ],
    enable(host) {
      const undos: (() => void)[] = [];
      host.onModule('pg-boss', (exports) => {
        // One class is all that pg-boss exports.
        const replaced = replaceDefault<BossClass>(exports, (Boss) => tracedClass(Boss, host));
        undos.push(replaced.undo);
        return replaced.exports;
      });
      const named = (module: string, wrappers: Parameters<typeof replaceNamed>[1]): void =>
        host.onModule(module, (exports) => {
          const replaced = replaceNamed(exports as object, wrappers);
          undos.push(replaced.undo);
          return replaced.exports;
        });
      named('bullmq', BULL_CLASSES);
      named('graphile-worker', GRAPHILE_FUNCTIONS);
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
