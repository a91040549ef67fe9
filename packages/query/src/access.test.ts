import { describe, expect, it } from 'vitest';
import { api, store } from '../test/orders-api.ts';
import { createQueryHandler } from './handler.ts';

describe('access', () => {
  it.each(['localhost', 'localhost:8080', '127.0.0.1:8080', '127.3.2.1', '[::1]:8080', 'app.localhost', 'LOCALHOST.'])(
    'answers the host %s without a token',
    async (host) => {
      expect((await api()('/_api/traces', { headers: { host } })).status).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'evil.example:8080',
    '10.0.0.1',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    '128.0.0.1',
    'localhost:80:80',
    '',
  ])('refuses the host %j without a token: DNS rebinding', async (host) => {
    const handler = createQueryHandler({ store });
    const response = await handler(new Request('http://gateway/_api/traces', { headers: host === '' ? {} : { host } }));
    expect(response.status).toBe(403);
  });

  it('answers further hosts that were allowed', async () => {
    const ask = api({ allowedHosts: ['gateway.internal'] });
    expect((await ask('/_api/traces', { headers: { host: 'gateway.internal:8080' } })).status).toBe(200);
  });

  it('refuses strangers without a token: by address, and behind a proxy of this machine', async () => {
    const handler = createQueryHandler({ store });
    const request = (headers = {}) => new Request('http://localhost/_api/traces', { headers });
    expect((await handler(request(), { address: '127.0.0.1' })).status).toBe(200);
    expect((await handler(request(), { address: '::ffff:127.0.0.1' })).status).toBe(200);
    expect((await handler(request(), { address: '10.1.2.3' })).status).toBe(403);
    expect((await handler(request({ 'x-forwarded-for': '203.0.113.7' }), { address: '::1' })).status).toBe(403);
    expect((await handler(request({ forwarded: 'for=203.0.113.7' }), { address: '::1' })).status).toBe(403);
  });

  it('answers anyone from anywhere with the read token, and nobody without', async () => {
    const handler = createQueryHandler({ store, readToken: 's3cret' });
    const ask = async (authorization?: string) => {
      const headers = { host: 'traces.example', ...(authorization === undefined ? {} : { authorization }) };
      return (await handler(new Request('http://traces.example/_api/traces', { headers }), { address: '10.1.2.3' }))
        .status;
    };
    expect(await ask('Bearer s3cret')).toBe(200);
    expect(await ask('bearer  s3cret')).toBe(200);
    expect(await ask()).toBe(401);
    expect(await ask('Bearer s3cre')).toBe(401);
    expect(await ask('Bearer s3cret2')).toBe(401);
    expect(await ask('Basic s3cret')).toBe(401);
    const local = await handler(new Request('http://localhost/_api/traces'), { address: '127.0.0.1' });
    expect(local.status).toBe(401);
    expect(local.headers.get('www-authenticate')).toContain('Bearer');
  });

  it('takes the write token for reading too', async () => {
    const ask = api({ readToken: 'read', writeToken: 'write' });
    expect((await ask('/_api/traces', { headers: { authorization: 'Bearer write' } })).status).toBe(200);
  });

  it('sends headers that keep answers from being cached, guessed, framed or read by other sites', async () => {
    const { headers } = await api()('/_api/traces', { headers: { origin: 'http://evil.example' } });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.has('access-control-allow-origin')).toBe(false);
  });
});
