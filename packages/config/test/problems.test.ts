import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/index.ts';
import { cwd, problems, TRACES } from './config-folder.ts';

describe('ranges', () => {
  const section = {
    traces: 'observability.traces',
    storage: 'observability.storage',
    export: 'observability.export',
    api: 'observability.api',
  };
  const bounds: [keyof typeof section, string, string[], string[]][] = [
    ['traces', 'sample_rate', ['0', '0.0', '1', '1.0'], ['-0.001', '1.001', '2', 'nan', 'inf', '"0.5"', 'true']],
    ['traces', 'slow_threshold', ['"1ms"', '"1d"'], ['"999us"', '"86401s"', '"abc"', '"1"', '1', '1000']],
    ['traces', 'max_kept_per_second', ['1', '1000000'], ['0', '1000001', '1.5', '"1"']],
    ['traces', 'ring_max_bytes', ['"1MB"', '"4GB"'], ['"1048575B"', '"4097MB"', '33554432']],
    ['traces', 'ring_max_age', ['"1s"', '"10m"'], ['"999ms"', '"601s"']],
    ['traces', 'always_sample', ['[]', '["errors"]'], ['["error"]', '"errors"', '[1]']],
    ['traces', 'trusted_peers', ['true', '[]', '["h"]'], ['"h"', '[""]', '1']],
    ['storage', 'retention', ['"1h"', '"3650d"', '"forever"'], ['"59m"', '"3651d"', '"ever"', '7']],
    [
      'storage',
      'schema',
      ['"a"', `"${'a'.repeat(63)}"`],
      ['""', `"${'a'.repeat(64)}"`, '"1a"', '"pg_x"', '"a-b"', '"a\\"b"'],
    ],
    ['storage', 'partition', ['"hour"', '"day"', '"auto"'], ['"week"', '""']],
    ['storage', 'pool_size', ['1', '100'], ['0', '101']],
    [
      'storage',
      'url',
      ['"postgres://h"', '"postgresql://u:p@h:1/d?sslmode=require"'],
      ['"mysql://h"', '"h"', '""', '"postgres:h"'],
    ],
    ['export', 'otlp_endpoint', ['"http://h"', '"https://h:1/x"'], ['"h:4317"', '"grpc://h"', '"http:h"', '""']],
    ['export', 'otlp_protocol', ['"grpc"', '"http/json"'], ['"http"', '"GRPC"']],
    ['export', 'otlp_timeout', ['"1ms"', '"10m"'], ['"0ms"', '"601s"']],
    ['export', 'queue_max_spans', ['1', '10000000'], ['0', '10000001']],
    ['export', 'batch_max_spans', ['1', '100000'], ['0', '100001']],
    ['export', 'batch_delay', ['"1ms"', '"1m"'], ['"0s"', '"61s"']],
    ['export', 'otlp_headers', ['{ a = "b" }'], ['{ a = 1 }', '"a=b"']],
    ['api', 'port', ['0', '65535'], ['-1', '65536', '80.5', '"80"']],
    ['api', 'read_token', [`"${'x'.repeat(16)}"`], [`"${'x'.repeat(15)}"`, `"${'x'.repeat(8)} ${'x'.repeat(8)}"`]],
  ];

  it.each(bounds)('of %s.%s accept the last and refuse the first beyond', (name, key, good, bad) => {
    const of = (value: string): [string, string[]] => [value, problems(`[${section[name]}]\n${key} = ${value}`)];
    for (const value of good) expect(of(value)).toEqual([value, []]);
    for (const value of bad) {
      expect(of(value)).toEqual([value, [expect.stringMatching(/^forge\.toml:2: .* = .*: .*allowed is /)]]);
    }
  });

  it('of an override hold too, and it must say what it applies to and what it changes', () => {
    const of = (rule: string): string[] => problems(`${TRACES}\n[[observability.traces.override]]\n${rule}`);
    expect(of('operation = "POST /api/orders"\nsample_rate = 1')).toEqual([]);
    expect(of('service = "worker"\nslow_threshold = "5s"')).toEqual([]);
    expect(of('service = "worker"')).toEqual([
      'forge.toml:3: observability.traces.override[0]: an override needs sample_rate or slow_threshold',
    ]);
    expect(of('sample_rate = 1')).toEqual([
      'forge.toml:3: observability.traces.override[0]: an override needs operation or service',
    ]);
    expect(of('service = "a"\nsample_rate = 1.5')).toEqual([
      'forge.toml:5: observability.traces.override[0].sample_rate = 1.5: allowed is a number from 0.0 to 1.0',
    ]);
    expect(of('service = "a"\nsample_rate = 1\nslow_treshold = "1s"')).toEqual([
      'forge.toml:6: observability.traces.override[0].slow_treshold: unknown key, did you mean slow_threshold?',
    ]);
  });
});

describe('a wrong configuration', () => {
  it('is told whole: each problem on a line, with file, line, key, value and what is allowed', () => {
    const toml = [
      '[observability.traces]',
      'sample_rate = 2',
      'slow_threshold = "abc"',
      'sampel_rate = 0.1',
      'always_sample = ["errors", "sloww"]',
      '[observability.export]',
      'jaeger_endpoint = "jaeger"',
    ].join('\n');
    expect(problems(toml, { FORGE_API_PORT: 'http' }, { service: { name: '' } })).toEqual([
      'options: service.name = "": allowed is a name of 1 to 100 characters',
      'forge.toml:2: observability.traces.sample_rate = 2: allowed is a number from 0.0 to 1.0',
      'forge.toml:5: observability.traces.always_sample[1] = "sloww": allowed is a list of "errors" or "slow_requests"',
      'forge.toml:3: observability.traces.slow_threshold = "abc": allowed is a duration from "1ms" to "1d", written like "500ms", "1s" or "2m"',
      'forge.toml:4: observability.traces.sampel_rate: unknown key, did you mean sample_rate?',
      'forge.toml:7: observability.export.jaeger_endpoint = "jaeger": allowed is a URL like "http://jaeger:14268/api/traces"',
      'env FORGE_API_PORT: observability.api.port = "http": allowed is a port, 0 to 65535 (0: any free one)',
    ]);
  });

  it('names the key that was meant, the section it belongs into, or all there are', () => {
    expect(problems('[observabilty.traces]\nsample_rate = 1')).toEqual([
      'forge.toml:1: observabilty: unknown key, did you mean observability?',
    ]);
    expect(problems('[observability]\nsample_rate = 1')).toEqual([
      'forge.toml:2: observability.sample_rate: unknown key, it belongs into [observability.traces]',
    ]);
    expect(problems('[service]\ncolour = "red"')).toEqual([
      'forge.toml:2: service.colour: unknown key, allowed is name, attributes',
    ]);
    expect(problems('[observability.instrument]\nignore_path = ["/x"]')).toEqual([
      `forge.toml:2: observability.instrument.ignore_path = ["/x"]: allowed is true, false or a table of the plugin's options; did you mean ignore_paths?`,
    ]);
    expect(problems('observability = 1')).toEqual([
      'forge.toml:1: observability = 1: allowed is a table [observability]',
    ]);
  });

  it('shows a line that is not TOML, with its number and column', () => {
    writeFileSync(join(cwd, 'forge.toml'), '[service]\nname = "a"\nattributes == "b"\n');
    expect(() => loadConfig({ cwd, env: {} })).toThrow(/^forge\.toml:3:13: not TOML: .*\n {2}attributes == "b"$/);
    writeFileSync(join(cwd, 'forge.toml'), '[service]\nname = "a"\nname = "b"\n');
    expect(() => loadConfig({ cwd, env: {} })).toThrow(/^forge\.toml:3:\d+: not TOML: /);
  });
});
