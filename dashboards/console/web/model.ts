// toChartModel turns a widget and its rows into what is to be drawn, knowing nothing of how. It is
// pure: equal input gives an equal model.

import { along, onGround } from './colors';
import { cartesian, defaultRamp, maxSeries } from './cartesian';
import { millis, show } from './format';
import { Rows, category, nameOf, number, order, valueAxis } from './rows';
import { otherColor } from './colors';
import type { ChartModel, Context, Scatter } from './shapes';
import type { Axis, Cell, Chart, Data, Field } from './types';

export function toChartModel(chart: Chart, data: Pick<Data, 'columns' | 'rows'>, context: Context): ChartModel {
  const rows = new Rows(data);
  switch (chart.mark) {
    case 'pie': return pie(chart, rows, context);
    case 'heatmap': return heatmap(chart, rows, context);
    case 'scatter': return scatter(chart, rows, context);
    default: return cartesian(chart, rows, context);
  }
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
