import type { Options } from 'tsup';

export function packageBuild(options?: Options): ReturnType<typeof import('tsup').defineConfig>;
