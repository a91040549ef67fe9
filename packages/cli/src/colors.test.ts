import { expect, it } from 'vitest';
import { createPaint, serviceStyles, wantsColor } from './colors.ts';

it.each([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
  [false, { FORCE_COLOR: '1' }, true],
  [false, { FORCE_COLOR: '3', NO_COLOR: '1' }, true],
  [true, { FORCE_COLOR: '0' }, false],
  [true, { FORCE_COLOR: 'false' }, false],
])('a terminal: %s, with %j in the environment, is painted: %s', (isTTY, env, isPainted) => {
  expect(wantsColor({ isTTY }, env)).toBe(isPainted);
});

it('gives each service its colour, and red to none', () => {
  const services = Array.from({ length: 30 }, (_, i) => `service-${i}`);
  const styles = [...serviceStyles(services).values()];
  expect(styles).toHaveLength(30);
  expect(new Set(styles.slice(0, 10)).size).toBe(10);
  expect(styles).not.toContain('red');
});

it('paints only where asked, and never an empty text', () => {
  expect(createPaint(false)('red', 'x')).toBe('x');
  expect(createPaint(true)('red', 'x')).toBe('\u001b[31mx\u001b[0m');
  expect(createPaint(true)('red', '')).toBe('');
});
