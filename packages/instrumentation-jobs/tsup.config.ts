import { packageBuild } from '../../tooling/tsup.mjs';

export default packageBuild({ entry: ['src/index.ts', 'src/bullmq.ts', 'src/graphile-worker.ts'] });
