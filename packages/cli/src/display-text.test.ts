import { expect, it } from 'vitest';
import { cutText, displayWidth, fitText, safeText } from './display-text.ts';

it('counts columns, not characters', () => {
  expect(displayWidth('order')).toBe(5);
  expect(displayWidth('注文')).toBe(4);
  expect(displayWidth('👩‍👩‍👧 ok')).toBe(5);
  expect(displayWidth('e\u0301')).toBe(1);
});

it('cuts with an ellipsis only where something is missing, never through a character', () => {
  expect(cutText('order', 5)).toBe('order');
  expect(cutText('orders', 5)).toBe('orde…');
  expect(cutText('注文番号', 5)).toBe('注文…');
  expect(cutText('orders', 0)).toBe('');
});

it('fills up to exactly the width', () => {
  expect(fitText('ab', 4)).toBe('ab  ');
  expect(fitText('注文', 5, 'right')).toBe(' 注文');
  expect(displayWidth(fitText('注文番号', 4))).toBe(4);
});

it('lets nothing through that a terminal would act on', () => {
  expect(safeText('a\u001b[2Jb\r\nc\u202ed\u009b')).toBe('a\ufffd[2Jb\ufffd\ufffdc\ufffdd\ufffd');
  expect(safeText('Größe 注文 👍')).toBe('Größe 注文 👍');
});
