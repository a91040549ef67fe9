import { packageBuild } from '../../tooling/tsup.mjs';

export default packageBuild({ entry: ['src/main.ts'] });
