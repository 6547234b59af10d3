import type { Cell, ColorSpec } from './types';

/** lakegate's own series colours, told apart also by people who see red and green alike. */
export const palette = ['#2a78b8', '#e07b39', '#2f9e77', '#8f6bc4', '#cf4b57', '#2fa8b5', '#c99a1e', '#c25f9b', '#9c6b4e', '#6b7a90'];

export const otherColor = '#9aa3af';

/** Where Entities keeps what it gave out between visits. */
export interface Memory {
  read(): Record<string, string[]>;
  write(value: Record<string, string[]>): void;
}

const maxRemembered = 60;

/**
 * Entities remembers which colour a value got, so that an endpoint or a model has the same one in
 * every chart and on every visit. Values get colours in the order they are first met.
 */
export class Entities {
  private readonly fields: Record<string, string[]>;

  constructor(readonly colors: string[], private readonly memory?: Memory) {
    this.fields = { ...memory?.read() };
  }

  of(field: string, value: string): string {
    const key = field.toLowerCase();
    const met = (this.fields[key] ??= []);
    let at = met.indexOf(value);
    if (at < 0) {
      at = met.push(value) - 1;
      if (at < maxRemembered) this.memory?.write(this.fields);
    }
    return this.at(at);
  }

  at(i: number): string {
    return this.colors[i % this.colors.length]!;
  }

  /** resolve reads a colour of the file: #hex, viz:N, or font. */
  resolve(color: string | undefined, font: string): string | undefined {
    if (!color) return undefined;
    if (color.startsWith('viz:')) return this.at(Number(color.slice(4)));
    return color === 'font' ? font : color;
  }

  mapped(spec: ColorSpec | undefined, value: Cell, font: string): string | undefined {
    const m = spec?.mappings?.find((x) => x.value === value);
    return m && this.resolve(m.color, font);
  }
}

/** The colour at a share from 0 to 1 of a ramp. */
export function along(ramp: string[], share: number): string {
  const x = Math.min(Math.max(share, 0), 1) * (ramp.length - 1);
  const i = Math.min(Math.floor(x), ramp.length - 2);
  const [a, b] = [rgb(ramp[i]!), rgb(ramp[i + 1]!)];
  const mix = a.map((v, k) => Math.round(v + (b[k]! - v) * (x - i)));
  return `rgb(${mix.join(', ')})`;
}

/** A ramp from light to dark, turned round on dark ground so that small values recede there too. */
export function onGround(ramp: string[], dark: boolean): string[] {
  const light = (c: string) => rgb(c).reduce((s, v) => s + v, 0) / 765;
  return dark && light(ramp[0]!) > 0.75 && light(ramp[ramp.length - 1]!) < 0.5 ? [...ramp].reverse() : ramp;
}

function rgb(hex: string): number[] {
  const h = hex.length < 7 ? hex.slice(1, 4).replace(/./g, '$&$&') : hex.slice(1, 7);
  return [0, 2, 4].map((i) => parseInt(h.slice(i, i + 2), 16));
}
