// Reading rows: cells by column name, and the categories of an axis.

import { isNumber, show, showBucket } from './format';
import type { Category, ValueAxis } from './shapes';
import type { Axis, Cell, Data, Field } from './types';

/** Rows finds cells by the name of their column. */
export class Rows {
  private readonly index = new Map<string, number>();

  constructor(private readonly data: Pick<Data, 'columns' | 'rows'>) {
    data.columns.forEach((c, i) => this.index.set(c.name, i));
  }

  get all(): Cell[][] {
    return this.data.rows;
  }

  at(field: Field | undefined): number {
    if (!field) return -1;
    const i = this.index.get(field.name);
    if (i === undefined) throw new Error(`The result has no column “${field.name}”.`);
    return i;
  }

  type(field: Field | undefined): string {
    return field ? this.data.columns[this.at(field)]!.type : 'STRING';
  }
}

export const number = (c: Cell | undefined) => (c === null || c === undefined || c === '' ? null : Number(c));
export const additive = (f: Field) => f.agg === 'sum' || f.agg === 'count' || f.agg === 'count_if';
export const nameOf = (c: Cell) => (c === null ? '(none)' : c === '' ? '(empty)' : c);

/** A series by which categories can be ordered. */
interface Summed {
  values: Map<string, { value: number | null }>;
}

/** The categories in the order the axis asks for. */
export function order(keys: string[], axis: Axis, series: Summed[], time: boolean, type: string, horizontal: boolean): string[] {
  const sum = (k: string) => series.reduce((s, x) => s + (x.values.get(k)?.value ?? 0), 0);
  const natural = (a: string, b: string) =>
    time || isNumber(type) ? Number(a) - Number(b) : a.localeCompare(b, 'en', { numeric: true });
  const by = axis.sort?.by ?? '';
  const measure = horizontal ? 'x' : 'y';
  let out = [...keys];
  if (by === 'custom-order' && axis.sort?.values) {
    const rank = (k: string) => axis.sort!.values!.indexOf(k) + 1 || 1e9;
    out.sort((a, b) => rank(a) - rank(b) || natural(a, b));
  } else if (by === measure + '-reversed' || by === 'cell-reversed' || by === 'measure') out.sort((a, b) => sum(b) - sum(a) || natural(a, b));
  else if (by === measure) out.sort((a, b) => sum(a) - sum(b) || natural(a, b));
  else out.sort(natural);
  if (by === 'natural-order-reversed' || axis.reverse) out.reverse();
  return out;
}

export function category(key: string, dim: Field | undefined, type: string, time: boolean, unit: string | undefined): Category {
  if (time && !unit) {
    const text = showBucket(Number(key), type === 'DATE' ? 'DAY' : undefined);
    return { key, label: text, long: showBucket(Number(key), type === 'DATE' ? 'DAY' : undefined, true) };
  }
  if (time) return { key, label: showBucket(Number(key), unit), long: showBucket(Number(key), unit, true) };
  const cell = key === '\u0000' ? null : key;
  if (dim?.bin) {
    const low = show(key, Math.abs(Number(key)) < 10_000 ? undefined : dim.format, 'LONG', Math.abs(Number(key)) < 10_000 ? 'exact' : 'axis');
    return { key, label: low, long: `${show(key, undefined, 'LONG', 'exact')} to ${show(String(Number(key) + Number(dim.bin)), undefined, 'LONG', 'exact')}` };
  }
  const label = cell === null || cell === '' ? nameOf(cell) : dim ? show(cell, dim.format, type, 'exact') : '';
  return { key, label, long: label };
}

export function valueAxis(axis: Axis, field: Field | undefined, rows: Rows, share: boolean): ValueAxis {
  const title = axis.hideTitle ? '' : axis.title || ((axis.fields?.length ?? 0) > 1 ? '' : field?.label ?? '');
  return {
    title, share, log: !!axis.log && !share, min: axis.min, max: axis.max,
    measure: share ? { format: { kind: 'percent' }, type: 'DOUBLE' } : { format: axis.fields?.[0]?.format ?? field?.format, type: rows.type(field) },
  };
}
