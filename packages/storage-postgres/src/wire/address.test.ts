import { describe, expect, it } from 'vitest';
import { addressOf, parseAddress } from './address.ts';

const refusal = (url: string): string => {
  try {
    parseAddress(url, {});
  } catch (error) {
    return (error as Error).message;
  }
  return 'taken';
};

describe('a PostgreSQL URL', () => {
  it('is read with all its parts decoded', () => {
    expect(parseAddress('postgres://us%40er:p%2Fw%3A%25@db.example:6543/my%20db', {})).toMatchObject({
      hosts: [{ host: 'db.example', port: 6543 }],
      user: 'us@er',
      password: 'p/w:%',
      database: 'my db',
      tls: 'prefer',
      writable: false,
    });
  });

  it('takes what it leaves out from the PG* variables, the database from the user', () => {
    const env = { PGUSER: 'ada', PGPASSWORD: 'x', PGHOST: 'h', PGPORT: '7000' };
    expect(parseAddress('postgres://', env)).toMatchObject({
      hosts: [{ host: 'h', port: 7000 }],
      user: 'ada',
      password: 'x',
      database: 'ada',
    });
  });

  it('may name several hosts, an IPv6 address, or the folder of a socket', () => {
    expect(parseAddress('postgresql://u@a:1,b:2,[::1]:3/d?target_session_attrs=read-write', {})).toMatchObject({
      hosts: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
        { host: '::1', port: 3 },
      ],
      writable: true,
    });
    expect(parseAddress('postgres://u@/d?host=/var/run/postgresql', {}).hosts).toEqual([
      { host: '/var/run/postgresql', port: 5432 },
    ]);
    expect(parseAddress('postgres://u@%2Ftmp/d', {}).hosts).toEqual([{ host: '/tmp', port: 5432 }]);
  });

  it('sets TLS as libpq does', () => {
    const tls = (query: string, host = 'db.example') => parseAddress(`postgres://u@${host}/d?${query}`, {}).tls;
    expect(tls('sslmode=disable')).toBe(false);
    expect(tls('')).toBe('prefer');
    expect(tls('', 'localhost')).toBe(false);
    expect(tls('sslmode=require')).toBe('require');
    expect(tls('ssl=true')).toBe('require');
    expect(tls('sslmode=verify-full')).toEqual({ servername: 'db.example' });
    expect(tls('sslrootcert=system')).toEqual({ servername: 'db.example' });
    expect(tls('sslmode=verify-ca')).toEqual({ checkServerIdentity: expect.any(Function) });
  });

  it('hands other parameters to the session', () => {
    expect(parseAddress('postgres://u@h/d?search_path=x&channel_binding=prefer', {}).settings).toEqual({
      search_path: 'x',
    });
  });

  it('is refused with what is wrong in it', () => {
    expect(refusal('mysql://h/d')).toContain('not a PostgreSQL URL');
    expect(refusal('postgres://u@h:0/d')).toContain('h:0 is no host and port');
    expect(refusal('postgres://u@h:65536/d')).toContain('no host and port');
    expect(refusal('postgres://u@h:65535/d')).toBe('taken');
    expect(refusal('postgres://u:%@h/d')).toContain('%25');
    expect(refusal('postgres://u@h/d?sslmode=on')).toContain('sslmode: on is not allowed; expected disable');
    expect(refusal('postgres://u@h/d?sslrootcert=/none/ca.pem&sslmode=verify-full')).toContain(
      'sslrootcert: cannot read /none/ca.pem',
    );
    expect(refusal('postgres://u@h/d?target_session_attrs=standby')).toContain('target_session_attrs: standby');
  });
});

describe("an application's postgres.js client", () => {
  it('gives its address and credentials', () => {
    const options = { host: ['h'], port: [1234], path: false, user: 'u', pass: 'p', database: 'd', ssl: 'require' };
    expect(addressOf({ options })).toMatchObject({
      hosts: [{ host: 'h', port: 1234 }],
      user: 'u',
      password: 'p',
      database: 'd',
      tls: 'require',
    });
    expect(addressOf({ options: { ...options, path: '/tmp/.s.PGSQL.1234' } }).hosts).toEqual([
      { host: '/tmp', port: 1234 },
    ]);
  });
});
