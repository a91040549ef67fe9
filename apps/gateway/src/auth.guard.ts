import { span } from '@forge/tracing';
import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';

/** Who calls: `authorization: Bearer user-<n>`. The demo knows its users by their tokens; a real one would verify them. */
@Injectable()
export class AuthGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context
      .switchToHttp()
      .getRequest<{ headers: Record<string, string | undefined>; userId?: string }>();
    return span('auth.verify', async (verify) => {
      const token = request.headers['authorization']?.replace(/^Bearer /, '');
      if (token === undefined || !/^user-\d{1,9}$/.test(token))
        throw new UnauthorizedException('send authorization: Bearer user-<number>');
      request.userId = token;
      verify.record('user_id', token);
      return true;
    });
  }
}
