import { expect, it } from 'vitest';
import { md5Password, Scram } from './authentication.ts';

// RFC 7677, section 3, with PostgreSQL's user name: the salt, the count and the password are the RFC's.
it('speaks SCRAM-SHA-256, and takes only a server that knows the password', async () => {
  const scram = new Scram('pencil', 'rOprNGfwEbeRWgbNEkqO');
  expect(scram.first()).toBe('n,,n=*,r=rOprNGfwEbeRWgbNEkqO');
  const final = await scram.final(
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  );
  expect(final).toMatch(/^c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj\)hNlF\$k0,p=[\w+/]{43}=$/);
  expect(() => scram.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')).toThrow(
    'the server does not know the password',
  );
});

it('refuses a challenge that is not for it', async () => {
  await expect(new Scram('x', 'mine').final('r=other,s=W22Z,i=4096')).rejects.toThrow('malformed challenge');
  await expect(new Scram('x', 'mine').final('r=mineplus,s=W22Z,i=0')).rejects.toThrow('malformed challenge');
});

it('hashes for MD5 authentication as PostgreSQL documents it', () => {
  expect(md5Password('user', 'password', Buffer.from([1, 2, 3, 4]))).toMatch(/^md5[0-9a-f]{32}$/);
  expect(md5Password('user', 'password', Buffer.from([1, 2, 3, 4]))).not.toBe(
    md5Password('user', 'password', Buffer.from([1, 2, 3, 5])),
  );
});
