import type { Forge } from '@forge/node';
import {
  Inject,
  Module,
  Optional,
  type DynamicModule,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { APP_INTERCEPTOR, HttpAdapterHost } from '@nestjs/core';
import { FORGE, FORGE_OPTIONS } from './forge.token.ts';
import { mountApi } from './mount-api.ts';
import { nameFastifyRoutes, RouteInterceptor } from './route-names.ts';

export interface ForgeModuleOptions {
  /** The running tracer: `startForge()` of `@forge/node`, called before the application's modules are loaded. */
  readonly forge: Forge;
  /** Where the trace API and the viewer are mounted; `/_api` by default, false for nowhere. */
  readonly apiPath?: string | false;
}

/** Composes tracing into a NestJS application: routes get names, the trace API is mounted, spans are drained at the end. */
@Module({})
export class ForgeModule implements OnModuleInit, OnApplicationShutdown {
  readonly #options: ForgeModuleOptions;
  readonly #adapterHost: HttpAdapterHost | undefined;

  constructor(
    @Inject(FORGE_OPTIONS) options: ForgeModuleOptions,
    @Optional() @Inject(HttpAdapterHost) adapterHost?: HttpAdapterHost,
  ) {
    this.#options = options;
    this.#adapterHost = adapterHost;
  }

  static forRoot(options: ForgeModuleOptions): DynamicModule {
    return {
      module: ForgeModule,
      global: true,
      providers: [
        { provide: FORGE_OPTIONS, useValue: options },
        { provide: FORGE, useValue: options.forge },
        { provide: APP_INTERCEPTOR, useClass: RouteInterceptor },
      ],
      exports: [FORGE],
    };
  }

  onModuleInit(): void {
    // A microservice has no HTTP server: nothing to name, nothing to mount.
    const adapter = this.#adapterHost?.httpAdapter;
    if (!adapter) return;
    if (adapter.getType() === 'fastify') nameFastifyRoutes(adapter);
    const { apiPath = '/_api', forge } = this.#options;
    if (apiPath !== false) mountApi(adapter, forge, apiPath);
  }

  /** Runs after the hooks of the application's own modules: what they traced while ending is still delivered. */
  async onApplicationShutdown(): Promise<void> {
    await this.#options.forge.shutdown();
  }
}
