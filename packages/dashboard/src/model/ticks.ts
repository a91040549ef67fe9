/** A labelled place on the time axis. */
export interface Tick {
  readonly us: number;
  readonly label: string;
}

interface AxisUnit {
  readonly us: number;
  readonly unit: string;
}

const AXIS_UNITS: readonly AxisUnit[] = [
  { us: 3600e6, unit: 'h' },
  { us: 60e6, unit: 'min' },
  { us: 1e6, unit: 's' },
  { us: 1000, unit: 'ms' },
  { us: 1, unit: 'µs' },
  { us: 0.001, unit: 'ns' },
];
const STEPS_OF_SIXTY = [1, 2, 5, 10, 15, 30];

/**
 * Round times between two others, about `wanted` of them, all in ONE unit: the largest of which the range holds two,
 * and with only as many digits as tell neighbours apart.
 */
export function axisTicks(fromUs: number, toUs: number, wanted: number): Tick[] {
  const range = toUs - fromUs;
  if (!(range > 0) || wanted < 1) return [];
  const reach = Math.max(Math.abs(fromUs), Math.abs(toUs));
  const step = roundStep(range / wanted);
  const axis = AXIS_UNITS.find(({ us }) => reach >= us * 2) ?? AXIS_UNITS.at(-1)!;
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step / axis.us) + 1e-9)));
  const ticks: Tick[] = [];
  const first = Math.ceil(fromUs / step - 1e-9);
  for (let i = first; i * step <= toUs + step * 1e-9; i++) {
    const us = i * step;
    const value = us / axis.us;
    ticks.push({ us, label: us === 0 ? '0' : `${trim(value.toFixed(digits))} ${axis.unit}` });
  }
  return ticks;
}

function trim(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** 1, 2 or 5 times a power of ten; from a second to two days in steps that divide minutes and hours. */
function roundStep(us: number): number {
  if (us > 5e6 && us <= 1800e6) {
    for (const unit of [1e6, 60e6]) for (const step of STEPS_OF_SIXTY) if (step * unit >= us) return step * unit;
  }
  if (us > 1800e6) {
    const hours = us / 3600e6;
    for (const step of [1, 2, 3, 6, 12, 24]) if (step >= hours) return step * 3600e6;
    return decimalStep(hours / 24) * 86_400e6;
  }
  return decimalStep(us);
}

function decimalStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const lead = value / power;
  return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
}
