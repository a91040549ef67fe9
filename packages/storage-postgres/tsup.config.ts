import { packageBuild } from '../../tooling/tsup.mjs';

export default packageBuild({ loader: { '.sql': 'text' } });
