/**
 * Forge Tracing for NestJS: start the tracer before the application is loaded, then import the module.
 *
 * @example
 * // main.ts
 * const forge = startForge({ serviceName: 'shop' });
 * const { AppModule } = await import('./app.module.js');
 * // app.module.ts
 * imports: [ForgeModule.forRoot({ forge })]
 *
 * @module
 */
export { ForgeModule, type ForgeModuleOptions } from './forge.module.ts';
export { FORGE } from './forge.token.ts';
