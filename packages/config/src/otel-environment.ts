import { pairsOf, type GivenValue } from './environment.ts';

const PROTOCOLS = ['grpc', 'http/protobuf', 'http/json'];

/**
 * The values that OpenTelemetry's variables give. As its specification asks, a wrong one is warned of and ignored.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function otelVariables(env: NodeJS.ProcessEnv): { given: GivenValue[]; warnings: string[] } {
  const reading = new Reading(env);
  reading.service();
  reading.sampler();
  reading.exporter();
  return reading;
}

class Reading {
  readonly given: GivenValue[] = [];
  readonly warnings: string[] = [];
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  service(): void {
    const attributes = this.#first(['OTEL_RESOURCE_ATTRIBUTES']);
    if (attributes !== undefined) {
      const pairs = pairsOf(attributes.text);
      if (pairs === undefined) this.#warn(attributes.name, 'is not of the form key=value,key=value');
      else {
        const { 'service.name': name, ...others } = pairs;
        if (name) this.#give('service.name', name, attributes.name);
        if (Object.keys(others).length > 0) this.#give('service.attributes', others, attributes.name);
      }
    }
    const name = this.#first(['OTEL_SERVICE_NAME']);
    if (name !== undefined) this.#give('service.name', name.text, name.name);
    if (this.#env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') {
      this.#give('observability.traces.enabled', false, 'OTEL_SDK_DISABLED');
    }
  }

  sampler(): void {
    const sampler = this.#first(['OTEL_TRACES_SAMPLER']);
    if (sampler === undefined) return;
    const rate = this.#rateOf(sampler.text.toLowerCase().replace(/^parentbased_/, ''));
    if (rate === undefined) this.#warn(sampler.name, 'names a sampler that is not known here');
    else this.#give('observability.traces.sample_rate', rate, sampler.name);
  }

  #rateOf(sampler: string): number | undefined {
    if (sampler === 'always_on') return 1;
    if (sampler === 'always_off') return 0;
    if (sampler !== 'traceidratio') return undefined;
    const argument = this.#first(['OTEL_TRACES_SAMPLER_ARG']);
    if (argument === undefined) return 1;
    const rate = Number(argument.text);
    if (rate >= 0 && rate <= 1) return rate;
    this.#warn(argument.name, 'is not a number from 0 to 1');
    return 1;
  }

  exporter(): void {
    const protocol = this.#otlp('PROTOCOL');
    if (protocol !== undefined && !PROTOCOLS.includes(protocol.text)) {
      this.#warn(protocol.name, `is none of ${PROTOCOLS.join(', ')}`);
    } else if (protocol !== undefined) this.#give('observability.export.otlp_protocol', protocol.text, protocol.name);
    this.#endpoint(protocol?.text);
    const headers = this.#otlp('HEADERS');
    if (headers !== undefined) {
      const pairs = pairsOf(headers.text);
      if (pairs === undefined) this.#warn(headers.name, 'is not of the form key=value,key=value');
      else this.#give('observability.export.otlp_headers', pairs, headers.name);
    }
    const timeout = this.#otlp('TIMEOUT');
    if (timeout !== undefined) {
      const timeoutMs = Number(timeout.text);
      if (timeoutMs >= 1 && timeoutMs <= 600_000) {
        this.#give('observability.export.otlp_timeout', `${timeoutMs}ms`, timeout.name);
      } else this.#warn(timeout.name, 'is not a number of milliseconds from 1 to 600000');
    }
    const compression = this.#otlp('COMPRESSION');
    if (compression !== undefined && !['gzip', 'none'].includes(compression.text)) {
      this.#warn(compression.name, 'is neither gzip nor none');
    } else if (compression !== undefined) {
      this.#give('observability.export.otlp_compression', compression.text, compression.name);
    }
  }

  /** The general one is a base: over HTTP the signal's path is added to it. The protocol is HTTP where nobody says. */
  #endpoint(protocol: string | undefined): void {
    const endpoint = this.#otlp('ENDPOINT');
    if (endpoint === undefined) return;
    const { name, text } = endpoint;
    if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
      this.#warn(name, 'is not an http or https URL');
      return;
    }
    const overHttp = protocol === undefined ? new URL(text).port !== '4317' : protocol !== 'grpc';
    const isBase = name === 'OTEL_EXPORTER_OTLP_ENDPOINT';
    this.#give(
      'observability.export.otlp_endpoint',
      overHttp && isBase ? `${text.replace(/\/$/, '')}/v1/traces` : text,
      name,
    );
    if (protocol === undefined)
      this.#give('observability.export.otlp_protocol', overHttp ? 'http/protobuf' : 'grpc', name);
  }

  #otlp(what: string): { name: string; text: string } | undefined {
    return this.#first([`OTEL_EXPORTER_OTLP_TRACES_${what}`, `OTEL_EXPORTER_OTLP_${what}`]);
  }

  #first(names: string[]): { name: string; text: string } | undefined {
    for (const name of names) {
      const text = this.#env[name]?.trim();
      if (text) return { name, text };
    }
    return undefined;
  }

  #give(path: string, value: unknown, name: string): void {
    this.given.push({ path: path.split('.'), value, from: `env ${name}` });
  }

  #warn(name: string, what: string): void {
    this.warnings.push(`${name} ${what}: it is ignored`);
  }
}
