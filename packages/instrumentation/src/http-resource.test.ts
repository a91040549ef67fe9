import { describe, expect, it } from 'vitest';
import { ResourceNames } from './http-resource.ts';

const of = (path: string): string => new ResourceNames().of('GET', path, false).slice('GET '.length);

describe('the resource of a path without a route', () => {
  it('has :id for what looks like one', () => {
    expect(of('/api/orders/17')).toBe('/api/orders/:id');
    expect(of('/users/0b3c1f9e-7c1b-4a53-9f0f-2a7f0f3f2d11/cart')).toBe('/users/:id/cart');
    expect(of('/blobs/deadbeefcafe0123')).toBe('/blobs/:id');
    expect(of('/users/user-17/x/y_9')).toBe('/users/:id/x/:id');
    expect(of('/mail/me%40shop.test')).toBe('/mail/:id');
    expect(of('/mail/me@shop.test')).toBe('/mail/:id');
    expect(of('/17')).toBe('/:id');
    expect(of('/api/17/')).toBe('/api/:id/');
    expect(of(`/${'a'.repeat(40)}`)).toBe(`/${'a'.repeat(40)}`);
    expect(of(`/${'a'.repeat(41)}`)).toBe('/:id');
  });

  it('is the path where nothing looks like an id', () => {
    for (const path of ['/', '', '/api/v2/orders', '/oauth2/token', '/s3/list', '/a/b/c/d/e/f/g/h', '*'])
      expect(of(path)).toBe(path);
  });

  it('ends after eight segments', () => {
    expect(of('/a/b/c/d/e/f/g/h/i')).toBe('/a/b/c/d/e/f/g/h/*');
    expect(of('/a/1/c/2/e/3/g/4/i/j')).toBe('/a/:id/c/:id/e/:id/g/:id/*');
  });
});

describe('the number of resources', () => {
  it('is bounded, and what gets none is counted', () => {
    const names = new ResourceNames(2);
    expect(['/a', '/b', '/c', '/a'].map((path) => names.of('GET', path, false))).toEqual([
      'GET /a',
      'GET /b',
      'GET *',
      'GET /a',
    ]);
    expect(names.overflowed).toBe(1);
  });

  it('is not used up by paths that are only ever refused', () => {
    const names = new ResourceNames(1);
    for (const path of ['/wp-admin', '/.env', '/phpmyadmin']) expect(names.of('GET', path, true)).toBe('GET *');
    expect(names.of('GET', '/orders', false)).toBe('GET /orders');
    expect(names.of('GET', '/orders', true)).toBe('GET /orders');
    expect(names.overflowed).toBe(0);
  });
});
