// toChartModel turns a widget and its rows into what is to be drawn, knowing nothing of how. It is
// pure: equal input gives an equal model.

import { Entities, along, onGround, otherColor } from './colors';
import { isNumber, millis, show, showBucket } from './format';
import type { Axis, Cell, Chart, Data, Field, Format } from './types';

export interface Context {
  entities: Entities;
  font: string;
  dark: boolean;
  /** How many categories fit one below the other. */
  room: number;
  /** When the data was read: the bucket it falls in is not complete yet. */
  now: number;
}

export interface Category {
  key: string;
  label: string;
  long: string;
}

export interface Measure {
  format?: Format;
  type: string;
}

export interface Point {
  value: number | null;
  raw: Cell;
  color?: string;
}

export interface Series {
  key: string;
  name: string;
  color: string;
  mark: 'bar' | 'line';
  area: boolean;
  stack?: string;
  axis: 0 | 1;
  measure: Measure;
  points: Point[];
}

export interface ValueAxis {
  title: string;
  measure: Measure;
  share: boolean;
  log: boolean;
  min?: number;
  max?: number;
}

export interface Cartesian {
  kind: 'cartesian';
  horizontal: boolean;
  categories: Category[];
  /** Buckets of time, whose labels may be thinned out. */
  time: boolean;
  /** Index of the bucket that is still filling, -1 for none. */
  partial: number;
  title: string;
  hideLabels: boolean;
  series: Series[];
  values: ValueAxis[];
  labels: boolean;
  dots: boolean;
  lines: { at: number; label: string; color?: string; horizontal: boolean }[];
  legend: string;
  total: boolean;
}

export interface Pie {
  kind: 'pie';
  inner: number;
  slices: { key: string; name: string; color: string; value: number; text: string; share: string }[];
  total: string;
  label: string;
}

export interface Heatmap {
  kind: 'heatmap';
  x: Category[];
  y: Category[];
  titles: [string, string];
  cells: { x: number; y: number; value: number; text: string; color: string }[];
  low: string;
  high: string;
  ramp: string[];
  label: string;
}

export interface Scatter {
  kind: 'scatter';
  x: ValueAxis & { time: boolean };
  y: ValueAxis & { time: boolean };
  groups: { key: string; name: string; color: string; points: { x: number; y: number; size: number; text: [string, string][] }[] }[];
  legend: string;
}

export type Drawing = Cartesian | Pie | Heatmap | Scatter;

export interface ChartModel {
  drawing: Drawing;
  note: string;
  empty: boolean;
}

const maxSeries = 12;
const maxBuckets = 3000;
const defaultRamp = ['#e6eff8', '#b0d0e8', '#6aaed6', '#2f7fbd', '#0b4a8f'];

export function toChartModel(chart: Chart, data: Pick<Data, 'columns' | 'rows'>, context: Context): ChartModel {
  const rows = new Rows(data);
  switch (chart.mark) {
    case 'pie': return pie(chart, rows, context);
    case 'heatmap': return heatmap(chart, rows, context);
    case 'scatter': return scatter(chart, rows, context);
    default: return cartesian(chart, rows, context);
  }
}

/** Rows finds cells by the name of their column. */
class Rows {
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

const number = (c: Cell | undefined) => (c === null || c === undefined || c === '' ? null : Number(c));
const additive = (f: Field) => f.agg === 'sum' || f.agg === 'count' || f.agg === 'count_if';
const nameOf = (c: Cell) => (c === null ? '(none)' : c === '' ? '(empty)' : c);

interface Split {
  key: string;
  name: string;
  field: Field;
  axis: 0 | 1;
  mark: 'bar' | 'line';
  color: string;
  values: Map<string, { value: number | null; raw: Cell }>;
  total: number;
}

function cartesian(chart: Chart, rows: Rows, context: Context): ChartModel {
  const horizontal = chart.mark === 'bar' && chart.x?.scale === 'quantitative' && chart.y?.scale !== 'quantitative';
  const dimension = (horizontal ? chart.y : chart.x)!;
  const measures = (horizontal ? chart.x : chart.y)!;
  let dim = dimension.fields?.[0];
  let fields = measures.fields ?? [];
  if (fields.length === 0 && dim?.agg) { // a measure and nothing to lay it out by
    fields = dimension.fields!;
    dim = undefined;
  }
  const unit = dim?.unit;
  const time = dimension.scale === 'temporal' || !!unit;
  const at = rows.at(dim);
  const keyOf = (row: Cell[]) => (at < 0 ? '' : time ? String(millis(row[at] ?? '')) : String(row[at] ?? '\u0000'));

  const splits = split(chart, rows, context, fields, dim, keyOf);
  const { kept, note } = limitSeries(splits, fields);
  let keys = [...new Set(rows.all.map(keyOf))].filter((k) => !time || k !== 'NaN');
  keys = order(keys, dimension, kept, time, rows.type(dim), horizontal);
  if (!time) keys = keys.filter((k) => kept.some((x) => x.values.get(k)?.value != null)); // nothing to draw there
  const all = keys.length;
  if (time && unit) keys = fillTime(keys, unit);
  else if (chart.mark === 'histogram' && dim?.bin) keys = fillBins(keys, Number(dim.bin));
  const most = time ? maxBuckets : dimension.top || (horizontal ? Math.min(context.room, 30) : 60);
  const notes = [note];
  let tail = '';
  if (keys.length > most) {
    if (chart.mark === 'histogram' && fields.every(additive)) tail = gather(kept, keys.splice(most - 1));
    else {
      keys = time ? keys.slice(-most) : keys.slice(0, most);
      notes.push(`showing ${most} of ${all}`);
    }
    if (tail) keys.push(tail);
  }

  const layout = chart.layout ?? (chart.mark === 'bar' || chart.mark === 'area' || chart.mark === 'histogram' ? 'stack' : '');
  const share = layout === 'percent-stack';
  const stacked = (layout === 'stack' || share) && kept.length > 1;
  const sums = share ? keys.map((k) => kept.reduce((s, x) => s + Math.abs(x.values.get(k)?.value ?? 0), 0)) : [];
  const series = kept.map((s): Series => ({
    key: s.key, name: s.name, color: s.color, mark: s.mark, axis: s.axis,
    area: chart.mark === 'area', stack: stacked && s.axis === 0 && (s.mark === 'bar' || chart.mark === 'area') ? 'all' : undefined,
    measure: { format: s.field.format, type: rows.type(s.field) },
    points: keys.map((k, i) => {
      const p = s.values.get(k);
      const missing = (time || chart.mark === 'histogram') && additive(s.field) ? 0 : null;
      let value = p ? p.value : missing;
      if (share && value !== null) value = sums[i]! > 0 ? value / sums[i]! : 0;
      return { value, raw: p ? p.raw : missing === 0 ? '0' : null };
    }),
  }));
  paintByCategory(chart, series, keys, dim, context);
  const categories = keys.map((k) => category(k, dim, rows.type(dim), time, unit));
  if (tail) {
    const last = categories[categories.length - 1]!;
    last.label += '+';
    last.long = last.long.replace(/ to .*/, ' and more');
  }
  const values = [valueAxis(measures, fields[0], rows, share)];
  if (chart.y2?.fields?.length) values.push(valueAxis(chart.y2, chart.y2.fields[0], rows, false));
  return {
    note: notes.filter(Boolean).join(', '),
    empty: rows.all.length === 0 || series.every((s) => s.points.every((p) => p.value === null)),
    drawing: {
      kind: 'cartesian', horizontal, categories, time, series, values,
      partial: time && unit ? keys.findIndex((k) => Number(k) <= context.now && context.now < step(Number(k), unit)) : -1,
      title: dimension.hideTitle ? '' : dimension.title || (time ? '' : dim?.label ?? ''),
      hideLabels: !!dimension.hideLabels || !dim,
      labels: !!chart.labels, dots: !!chart.points || keys.length === 1,
      lines: annotations(chart, keys, time, context), legend: chart.color?.legend ?? '',
      total: stacked && !share && fields.every(additive),
    },
  };
}

// split makes one series per measure, or one per value of the colour field.
function split(chart: Chart, rows: Rows, context: Context, fields: Field[], dim: Field | undefined, keyOf: (row: Cell[]) => string): Split[] {
  const by = chart.color?.field;
  const grouped = by && by.name !== dim?.name && chart.color?.scale !== 'quantitative' && !fields.some((f) => f.name === by.name);
  const out = new Map<string, Split>();
  const add = (row: Cell[], field: Field, axis: 0 | 1, i: number, mark: 'bar' | 'line') => {
    const value = grouped ? row[rows.at(by)]! : null;
    const several = fields.length + (chart.y2?.fields?.length ?? 0) > 1;
    const key = (grouped ? 'v:' + value : 'f:') + (several ? field.name : '');
    let s = out.get(key);
    if (!s) {
      const name = grouped ? nameOf(value) + (several ? ', ' + field.label : '') : field.label;
      const own = grouped ? context.entities.mapped(chart.color, value, context.font) : context.entities.mapped(chart.color, field.label, context.font);
      const listed = context.entities.resolve(chart.colors?.[i % (chart.colors.length || 1)], context.font);
      const color = own ?? (grouped ? context.entities.of(by!.name, nameOf(value)) : listed ?? context.entities.at(i));
      out.set(key, (s = { key, name, field, axis, mark, color, values: new Map(), total: 0 }));
    }
    const raw = row[rows.at(field)]!;
    const n = number(raw);
    const k = keyOf(row);
    const before = s.values.get(k);
    s.values.set(k, before && before.value !== null && n !== null ? { value: before.value + n, raw: String(before.value + n) } : { value: n, raw });
    s.total += Math.abs(n ?? 0);
  };
  const first = chart.mark === 'line' || chart.mark === 'area' ? 'line' : 'bar';
  for (const row of rows.all) {
    fields.forEach((f, i) => add(row, f, 0, i, first));
    chart.y2?.fields?.forEach((f, i) => add(row, f, 1, fields.length + i, 'line'));
  }
  const list = [...out.values()];
  const mapped = chart.color?.mappings?.map((m) => nameOf(m.value)) ?? [];
  const custom = chart.color?.sort?.values ?? (mapped.length > 1 ? mapped : []);
  if (grouped && custom.length) {
    const rank = (s: Split) => (custom.indexOf(s.name) + 1 || custom.length + 1);
    list.sort((a, b) => rank(a) - rank(b) || b.total - a.total);
  } else if (grouped) list.sort((a, b) => b.total - a.total || a.name.localeCompare(b.name));
  return list;
}

// limitSeries keeps the largest series; the rest become one where that adds up.
function limitSeries(all: Split[], fields: Field[]): { kept: Split[]; note: string } {
  if (all.length <= maxSeries) return { kept: all, note: '' };
  const ranked = [...all].sort((a, b) => b.total - a.total);
  const keep = new Set(ranked.slice(0, maxSeries - 1));
  const rest = ranked.slice(maxSeries - 1);
  const kept = all.filter((s) => keep.has(s));
  if (!fields.every(additive)) return { kept, note: `showing ${kept.length} of ${all.length} series` };
  const other: Split = { ...rest[0]!, key: 'other', name: `Other (${rest.length})`, color: otherColor, values: new Map(), total: 0 };
  for (const s of rest) {
    for (const [k, p] of s.values) {
      const sum = (other.values.get(k)?.value ?? 0) + (p.value ?? 0);
      other.values.set(k, { value: sum, raw: String(sum) });
    }
  }
  return { kept: [...kept, other], note: '' };
}

// gather adds the values of all these bins to the first and returns it.
function gather(series: Split[], keys: string[]): string {
  const first = keys[0]!;
  for (const s of series) {
    const sum = keys.reduce((n, k) => n + (s.values.get(k)?.value ?? 0), 0);
    s.values.set(first, { value: sum, raw: String(sum) });
  }
  return first;
}

function order(keys: string[], axis: Axis, series: Split[], time: boolean, type: string, horizontal: boolean): string[] {
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

function category(key: string, dim: Field | undefined, type: string, time: boolean, unit: string | undefined): Category {
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

/** The start of the bucket after this one. */
export function step(ms: number, unit: string): number {
  const t = new Date(ms);
  switch (unit) {
    case 'SECOND': return ms + 1000;
    case 'MINUTE': return ms + 60_000;
    case 'HOUR': return ms + 3_600_000;
    case 'DAY': return ms + 86_400_000;
    case 'WEEK': return ms + 7 * 86_400_000;
    case 'MONTH': return Date.UTC(t.getUTCFullYear(), t.getUTCMonth() + 1, 1);
    case 'QUARTER': return Date.UTC(t.getUTCFullYear(), t.getUTCMonth() + 3, 1);
    default: return Date.UTC(t.getUTCFullYear() + 1, 0, 1);
  }
}

function fillTime(keys: string[], unit: string): string[] {
  if (keys.length < 2) return keys;
  const out: string[] = [];
  const last = Number(keys[keys.length - 1]);
  for (let t = Number(keys[0]); t <= last; t = step(t, unit)) {
    if (out.push(String(t)) > maxBuckets) return keys;
  }
  const filled = new Set(out);
  return keys.every((k) => filled.has(k)) ? out : keys;
}

function fillBins(keys: string[], width: number): string[] {
  if (keys.length < 2) return keys;
  const [low, high] = [Number(keys[0]), Number(keys[keys.length - 1])];
  const n = Math.round((high - low) / width) + 1;
  if (n > 2000) return keys;
  const have = new Map(keys.map((k) => [Math.round(Number(k) / width), k]));
  return Array.from({ length: n }, (_, i) => {
    const slot = Math.round(low / width) + i;
    return have.get(slot) ?? String(slot * width);
  });
}

// paintByCategory colours single bars where the colour field is the category or a shade.
function paintByCategory(chart: Chart, series: Series[], keys: string[], dim: Field | undefined, context: Context) {
  const spec = chart.color;
  if (!spec?.field || series.length !== 1) return;
  const s = series[0]!;
  if (spec.field.name === dim?.name) {
    s.points.forEach((p, i) => {
      const cell = keys[i] === '\u0000' ? null : keys[i]!;
      p.color = context.entities.mapped(spec, cell, context.font) ?? context.entities.of(dim.name, nameOf(cell));
    });
  } else if (spec.scale === 'quantitative') {
    const top = Math.max(...s.points.map((p) => p.value ?? 0), 0) || 1;
    s.points.forEach((p) => (p.color = along(onGround(spec.ramp ?? defaultRamp, context.dark), 0.25 + (0.75 * (p.value ?? 0)) / top)));
  }
}

function valueAxis(axis: Axis, field: Field | undefined, rows: Rows, share: boolean): ValueAxis {
  const title = axis.hideTitle ? '' : axis.title || ((axis.fields?.length ?? 0) > 1 ? '' : field?.label ?? '');
  return {
    title, share, log: !!axis.log && !share, min: axis.min, max: axis.max,
    measure: share ? { format: { kind: 'percent' }, type: 'DOUBLE' } : { format: axis.fields?.[0]?.format ?? field?.format, type: rows.type(field) },
  };
}

function annotations(chart: Chart, keys: string[], time: boolean, context: Context): Cartesian['lines'] {
  const out: Cartesian['lines'] = [];
  for (const a of chart.annotations ?? []) {
    const at = a.horizontal ? Number(a.at) : keys.indexOf(time ? String(millis(a.at)) : a.at);
    if (Number.isFinite(at) && (a.horizontal || at >= 0)) {
      out.push({ at, label: a.label ?? '', color: context.entities.resolve(a.color, context.font), horizontal: !!a.horizontal });
    }
  }
  return out;
}

function pie(chart: Chart, rows: Rows, context: Context): ChartModel {
  const measure = { format: chart.angle!.format, type: rows.type(chart.angle) };
  const at = rows.at(chart.angle);
  const by = chart.color?.field;
  const list = rows.all
    .map((r) => ({ cell: by ? r[rows.at(by)]! : null, value: number(r[at]) ?? 0 }))
    .filter((x) => x.value > 0)
    .sort((a, b) => b.value - a.value);
  const sum = list.reduce((s, x) => s + x.value, 0);
  const slices = list.slice(0, list.length > maxSeries ? maxSeries - 1 : maxSeries).map((x) => ({
    key: String(x.cell), name: by ? nameOf(x.cell) : chart.angle!.label, value: x.value,
    color: context.entities.mapped(chart.color, x.cell, context.font) ?? context.entities.of(by?.name ?? '', nameOf(x.cell)),
  }));
  const rest = list.slice(slices.length);
  if (rest.length > 0) {
    slices.push({ key: 'other', name: `Other (${rest.length})`, value: rest.reduce((s, x) => s + x.value, 0), color: otherColor });
  }
  const text = (n: number, place: 'card' | 'exact') => show(String(n), measure.format, measure.type, place);
  return {
    note: '', empty: slices.length === 0,
    drawing: {
      kind: 'pie', inner: chart.innerRadius ?? 0.62, total: text(sum, 'card'), label: chart.angle!.label,
      slices: slices.map((s) => ({ ...s, text: text(s.value, 'card'), share: show(String(s.value / sum), { kind: 'percent', places: 1 }, 'DOUBLE', 'card') })),
    },
  };
}

function heatmap(chart: Chart, rows: Rows, context: Context): ChartModel {
  const [dx, dy] = [chart.x?.fields?.[0], chart.y?.fields?.[0]];
  const shade = chart.color?.field;
  const keys = (axis: Axis | undefined, f: Field | undefined) => {
    const time = axis?.scale === 'temporal' || !!f?.unit;
    const key = (r: Cell[]) => (time ? String(millis(r[rows.at(f)] ?? '')) : String(r[rows.at(f)] ?? '\u0000'));
    const sorted = order([...new Set(rows.all.map(key))], axis!, [], time, rows.type(f), false);
    return { key, keys: sorted, categories: sorted.map((k) => category(k, f, rows.type(f), time, f?.unit)) };
  };
  const [x, y] = [keys(chart.x, dx), keys(chart.y, dy)];
  const measure = { format: shade?.format, type: rows.type(shade) };
  const points = rows.all.map((r) => ({ x: x.keys.indexOf(x.key(r)), y: y.keys.indexOf(y.key(r)), raw: r[rows.at(shade)]! })).filter((p) => p.raw !== null);
  const values = points.map((p) => Number(p.raw));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const ramp = onGround(chart.color?.ramp ?? defaultRamp, context.dark);
  const span = high - low || 1;
  return {
    note: '', empty: points.length === 0,
    drawing: {
      kind: 'heatmap', x: x.categories, y: y.categories, ramp, label: shade?.label ?? '',
      titles: [chart.x?.hideTitle ? '' : dx?.label ?? '', chart.y?.hideTitle ? '' : dy?.label ?? ''],
      low: points.length ? show(String(low), measure.format, measure.type, 'card') : '',
      high: points.length ? show(String(high), measure.format, measure.type, 'card') : '',
      cells: points.map((p) => ({ x: p.x, y: p.y, value: Number(p.raw), text: show(p.raw, measure.format, measure.type, 'exact'), color: along(ramp, (Number(p.raw) - low) / span) })),
    },
  };
}

function scatter(chart: Chart, rows: Rows, context: Context): ChartModel {
  const [fx, fy] = [chart.x?.fields?.[0], chart.y?.fields?.[0]];
  const by = chart.color?.scale === 'quantitative' ? undefined : chart.color?.field;
  const groups = new Map<string, Scatter['groups'][0]>();
  const position = (r: Cell[], f: Field | undefined, axis: Axis | undefined) =>
    axis?.scale === 'temporal' ? millis(r[rows.at(f)] ?? '') : number(r[rows.at(f)]) ?? NaN;
  const sizes = chart.size ? rows.all.map((r) => number(r[rows.at(chart.size)]) ?? 0) : [];
  const largest = Math.max(...sizes, 0) || 1;
  const shown = [fx, fy, by, chart.size, ...(chart.extra ?? [])].filter((f): f is Field => !!f);
  rows.all.forEach((r, i) => {
    const [x, y] = [position(r, fx, chart.x), position(r, fy, chart.y)];
    if (Number.isNaN(x) || Number.isNaN(y)) return;
    const cell = by ? r[rows.at(by)]! : null;
    const name = by ? nameOf(cell) : fy?.label ?? '';
    let g = groups.get(name);
    if (!g) {
      const color = by ? context.entities.mapped(chart.color, cell, context.font) ?? context.entities.of(by.name, name) : context.entities.at(0);
      groups.set(name, (g = { key: name, name, color, points: [] }));
    }
    g.points.push({ x, y, size: chart.size ? 4 + 20 * Math.sqrt(sizes[i]! / largest) : 7, text: shown.map((f) => [f.label, show(r[rows.at(f)], f.format, rows.type(f), 'exact')]) });
  });
  const list = [...groups.values()].sort((a, b) => b.points.length - a.points.length);
  return {
    note: list.length > maxSeries ? `showing ${maxSeries} of ${list.length} groups` : '', empty: list.length === 0,
    drawing: {
      kind: 'scatter', groups: list.slice(0, maxSeries), legend: by ? chart.color?.legend ?? '' : 'hidden',
      x: { ...valueAxis(chart.x!, fx, rows, false), time: chart.x?.scale === 'temporal' },
      y: { ...valueAxis(chart.y!, fy, rows, false), time: chart.y?.scale === 'temporal' },
    },
  };
}
