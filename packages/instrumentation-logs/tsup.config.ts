import { packageBuild } from '../../tooling/tsup.mjs';

export default packageBuild();
