// Models of charts with a category on one side and measures on the other.

import { along, onGround, otherColor } from './colors';
import { millis } from './format';
import { fillBins, fillTime, maxBuckets, step } from './buckets';
import { Rows, additive, category, nameOf, number, order, valueAxis } from './rows';
import type { Cartesian, ChartModel, Context, Series } from './shapes';
import type { Cell, Chart, Field } from './types';

export const maxSeries = 12;
export const defaultRamp = ['#e6eff8', '#b0d0e8', '#6aaed6', '#2f7fbd', '#0b4a8f'];

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

export function cartesian(chart: Chart, rows: Rows, context: Context): ChartModel {
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
