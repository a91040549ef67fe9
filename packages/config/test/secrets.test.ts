import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeConfig, loadConfig } from '../src/index.ts';
import { cwd, load, problems } from './config-folder.ts';

describe('secrets', () => {
  const SECRET = 'hunter2hunter2hunter2';

  it.each([
    ['[observability.api]\nread_token = "hunter2hunter2hunter2', 'a token in a broken line'],
    ['[observability.api]\nread_token = "hunter2hunter2hunter2 with spaces"', 'a token that is refused'],
    ['[observability.export]\notlp_headers = { authorization = "hunter2hunter2hunter2" ', 'a header in a broken line'],
    [
      '[observability.export]\notlp_headers = { authorization = ["hunter2hunter2hunter2"] }',
      'a header that is refused',
    ],
    ['[observability.storage]\nurl = "mysql://u:hunter2hunter2hunter2@h/d"', 'a password in a URL that is refused'],
    ['[observability.storage]\nurl = "u:hunter2hunter2hunter2@h/d"', 'a password without a protocol before it'],
    ['[observability.storage]\nurl = "postgres://u:hunter2hunter2hunter2@h/d', 'a password in a broken line'],
    ['[observability.storage]\nulr = "postgres://u:hunter2hunter2hunter2@h/d"', 'a password behind an unknown key'],
    ['[observability.storage]\nurl = "mysql://${HOST_SECRET}/d"', 'a value from a variable'],
  ])('are not told: %s (%s)', (toml) => {
    writeFileSync(join(cwd, 'forge.toml'), toml);
    let told: unknown;
    try {
      loadConfig({ cwd, env: { HOST_SECRET: SECRET } });
    } catch (error) {
      told = error;
    }
    expect(told).toMatchObject({ code: 'FORGE_CONFIG_INVALID' });
    const { message, stack, cause } = told as Error;
    expect(`${message} ${stack} ${JSON.stringify(cause)}`).not.toContain(SECRET);
  });

  it('are not told from the environment either', () => {
    const lines = problems('', {
      FORGE_OTLP_HEADERS: SECRET,
      FORGE_API_WRITE_TOKEN: `${SECRET} x`,
      DATABASE_URL: `mysql://u:${SECRET}@h`,
    });
    expect(lines).toHaveLength(3);
    expect(lines.join('\n')).not.toContain(SECRET);
  });

  it('are hidden in a description, which still says where they come from', () => {
    const loaded = load('[observability.export]\notlp_headers = { authorization = "hunter2hunter2hunter2" }', {
      DATABASE_URL: `postgres://u:${SECRET}@h/d?sslpassword=${SECRET}`,
      FORGE_API_READ_TOKEN: SECRET,
      FORGE_ZIPKIN_ENDPOINT: `http://u:${SECRET}@z/spans`,
    });
    const lines = describeConfig(loaded);
    expect(JSON.stringify(lines)).not.toContain(SECRET);
    const of = (key: string): unknown => lines.find((line) => line.key === key);
    expect(of('observability.storage.url')).toEqual({
      key: 'observability.storage.url',
      value: '"postgres://u:***@h/d?sslpassword=***"',
      from: 'env DATABASE_URL',
    });
    expect(of('observability.export.otlp_headers')).toMatchObject({
      value: '{"authorization":"***"}',
      from: 'forge.toml:2',
    });
    expect(of('observability.api.write_token')).toMatchObject({ value: '', from: 'default' });
    expect(of('observability.traces.sample_rate')).toMatchObject({ value: '1', from: 'default' });
  });
});
