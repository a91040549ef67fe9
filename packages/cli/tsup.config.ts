import { packageBuild } from '../../tooling/tsup.mjs';

export default packageBuild({ entry: ['src/index.ts', 'src/bin.ts', 'src/waterfall.ts'] });
