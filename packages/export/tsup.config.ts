import { packageBuild } from '../../tooling/tsup.mjs';

export default packageBuild({ entry: ['src/index.ts', 'src/conformance.ts', 'src/http-sender.ts'] });
