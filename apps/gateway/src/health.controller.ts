import { Controller, Get } from '@nestjs/common';

@Controller('/healthz')
export class HealthController {
  /** Alive. Says nothing of tracing: an app is healthy without it. */
  @Get()
  health(): { status: 'ok' } {
    return { status: 'ok' };
  }
}
