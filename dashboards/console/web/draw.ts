// option turns a model into what ECharts draws. Tooltips are DOM elements, never HTML text: the
// page's security policy forbids inline styles.

import type { Cartesian, ChartModel, Heatmap, Measure, Pie, Scatter, ValueAxis } from './shapes';
import { show, showBucket } from './format';

export interface Look {
  text: string;
  muted: string;
  grid: string;
  surface: string;
  dark: boolean;
}

const font = 'Inter, system-ui, sans-serif';
const value = (n: number, m: Measure) => show(String(n), m.format, m.type, 'axis');

/** Series the viewer switched off are left out. */
export function option(model: ChartModel, look: Look, hidden: Set<string>, width: number): object {
  const base = { animation: false, textStyle: { fontFamily: font }, aria: { enabled: false } };
  const d = model.drawing;
  switch (d.kind) {
    case 'cartesian': return { ...base, ...cartesian(d, look, hidden, width) };
    case 'pie': return { ...base, ...pie(d, look, hidden) };
    case 'heatmap': return { ...base, ...heatmap(d, look) };
    case 'scatter': return { ...base, ...scatter(d, look, hidden) };
  }
}

function tooltip(look: Look, trigger: 'axis' | 'item', formatter: (p: any) => HTMLElement): object {
  return {
    trigger, confine: true, transitionDuration: 0, padding: 0, borderWidth: 0, backgroundColor: 'transparent',
    className: 'tip-box', extraCssText: '', formatter,
    axisPointer: { type: 'line', lineStyle: { color: look.muted, width: 1, type: 'solid', opacity: 0.5 }, label: { show: false } },
  };
}

/** A tooltip: a heading, and lines of swatch, name and value. */
export function tip(heading: string, lines: { color?: string; name: string; text: string; strong?: boolean }[], more = 0): HTMLElement {
  const make = (tag: string, name: string, text = '') => {
    const e = document.createElement(tag);
    e.className = name;
    e.textContent = text;
    return e;
  };
  const box = make('div', 'tip');
  if (heading) box.append(make('div', 'tip-head', heading));
  for (const l of lines) {
    const line = make('div', l.strong ? 'tip-line strong' : 'tip-line');
    const swatch = make('span', 'tip-swatch');
    if (l.color) swatch.style.background = l.color;
    line.append(swatch, make('span', 'tip-name', l.name), make('span', 'tip-value', l.text));
    box.append(line);
  }
  if (more > 0) box.append(make('div', 'tip-more', `and ${more} more`));
  return box;
}

const axisText = (look: Look) => ({ color: look.muted, fontSize: 11, fontFamily: font });

function valueScale(v: ValueAxis, look: Look, right: boolean, first: boolean, steps = 4): object {
  return {
    type: v.log ? 'log' : 'value', position: right ? 'right' : undefined, min: v.min, max: v.max ?? (v.share ? 1 : undefined),
    splitNumber: steps, axisLine: { show: false }, axisTick: { show: false },
    splitLine: { show: first, lineStyle: { color: look.grid, width: 1 } },
    axisLabel: { ...axisText(look), formatter: (n: number) => value(n, v.measure), hideOverlap: true },
  };
}

function categoryScale(d: Cartesian, look: Look, width: number): object {
  const longest = Math.max(0, ...d.categories.map((c) => c.label.length));
  // Every n-th time is labelled, counted from the newest, so that labels neither crowd nor jump.
  const every = Math.max(1, Math.ceil((d.categories.length * (longest * 6 + 22)) / Math.max(width - 50, 100)));
  return {
    type: 'category', data: d.categories.map((c) => c.label), inverse: d.horizontal,
    boundaryGap: d.series.some((s) => s.mark === 'bar') || d.categories.length === 1,
    axisLine: { lineStyle: { color: look.grid } }, axisTick: { show: false },
    axisLabel: {
      show: !d.hideLabels, ...axisText(look), color: d.horizontal ? look.text : look.muted, hideOverlap: true,
      interval: d.horizontal ? 0 : d.time ? (i: number) => (d.categories.length - 1 - i) % every === 0 : 'auto', overflow: 'truncate', ellipsis: '…',
      width: d.horizontal ? Math.min(Math.max(70, longest * 6.5), Math.max(90, width * 0.38)) : d.time ? undefined : Math.max(40, (width / Math.max(1, d.categories.length)) * 0.95),
    },
  };
}

function cartesian(d: Cartesian, look: Look, hidden: Set<string>, width: number): object {
  const series = d.series.filter((s) => !hidden.has(s.key));
  const values = d.values.map((v, i) => valueScale(v, look, i > 0, i === 0, d.horizontal && width < 400 ? 2 : 4));
  const categories = categoryScale(d, look, width);
  const many = d.categories.length > 120;
  const drawn = series.flatMap((s, i) => {
    const last = s.stack ? series.filter((x) => x.stack === s.stack).at(-1) === s : true;
    const shared: any = {
      name: s.name, id: s.key, type: s.mark, stack: s.stack, color: s.color, emphasis: { disabled: true },
      ...(d.horizontal ? {} : { yAxisIndex: s.axis }), z: s.mark === 'line' ? 3 : 2,
      label: d.labels && s.mark === 'bar' && d.categories.length <= 40
        ? { show: !s.stack, position: d.horizontal ? 'right' : 'top', fontSize: 11, color: look.muted, fontFamily: font, formatter: (p: any) => show(s.points[p.dataIndex]!.raw, s.measure.format, s.measure.type, 'card') }
        : undefined,
      markLine: i === 0 ? lines(d, look) : undefined,
    };
    if (s.mark === 'bar') {
      return [{
        ...shared, barMaxWidth: d.horizontal ? 22 : 40, barMinHeight: 0, barCategoryGap: many ? '10%' : d.horizontal ? '38%' : '24%', barGap: '12%',
        data: s.points.map((p, k) => ({
          value: p.value,
          itemStyle: {
            color: p.color ?? s.color, opacity: k === d.partial ? 0.5 : 1,
            borderRadius: !last || many ? 0 : d.horizontal ? [0, 3, 3, 0] : [3, 3, 0, 0],
            borderColor: s.stack && !many ? look.surface : undefined, borderWidth: s.stack && !many ? 0.5 : 0,
          },
        })),
      }];
    }
    const line: any = {
      ...shared, smooth: false, connectNulls: false, showSymbol: d.dots || d.categories.length === 1, symbol: 'circle', symbolSize: 6, showAllSymbol: d.dots,
      lineStyle: { width: s.area ? 1.5 : 2, color: s.color }, itemStyle: { color: s.color },
      areaStyle: s.area ? { color: s.color, opacity: s.stack ? 0.55 : 0.18 } : undefined,
      data: s.points.map((p) => p.value),
    };
    if (d.partial < 1 || d.partial !== d.categories.length - 1) return [line];
    // The bucket that is still filling is reached by a dotted line, and a paler area.
    const dotted = { ...line, id: s.key + ' partial', stack: s.stack && s.stack + ' partial', lineStyle: { ...line.lineStyle, type: 'dotted' }, markLine: undefined,
      areaStyle: line.areaStyle && { ...line.areaStyle, opacity: line.areaStyle.opacity * 0.35 },
      data: s.points.map((p, k) => (k >= d.partial - 1 ? p.value : null)) };
    return [{ ...line, data: s.points.map((p, k) => (k < d.partial ? p.value : null)) }, dotted];
  });
  return {
    grid: { left: 4, right: d.horizontal && d.labels ? 48 : d.horizontal ? 16 : 8, top: 10, bottom: 2, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    xAxis: d.horizontal ? values : categories,
    yAxis: d.horizontal ? categories : values,
    series: drawn,
    tooltip: tooltip(look, 'axis', (ps: any[]) => cartesianTip(d, series, ps[0]?.dataIndex ?? 0)),
  };
}

function cartesianTip(d: Cartesian, series: Cartesian['series'], at: number): HTMLElement {
  const c = d.categories[at]!;
  const list = series
    .map((s) => ({ s, p: s.points[at]! }))
    .filter(({ p }) => p.value !== null && (series.length <= 6 || p.value !== 0));
  if (series.length > 3) list.sort((a, b) => Math.abs(b.p.value!) - Math.abs(a.p.value!));
  const lines = list.slice(0, 12).map(({ s, p }) => ({
    color: p.color ?? s.color, name: s.name,
    text: show(p.raw, s.measure.format, s.measure.type, 'exact') + (d.values[0]!.share ? ` (${show(String(p.value), { kind: 'percent', places: 1 }, 'DOUBLE', 'exact')})` : ''),
  }));
  if (d.total && list.length > 1) {
    const m = series[0]!.measure;
    const sum = list.reduce((n, { p }) => n + p.value!, 0);
    lines.push({ name: 'Total', text: show(String(Number(sum.toPrecision(12))), m.format, m.type, 'exact'), strong: true } as any);
  }
  if (lines.length === 0) lines.push({ color: undefined as any, name: 'no data', text: '' });
  return tip(c.long + (at === d.partial ? ' (so far)' : ''), lines, list.length - 12);
}

function lines(d: Cartesian, look: Look): object | undefined {
  if (d.lines.length === 0) return undefined;
  return {
    silent: true, symbol: 'none', animation: false,
    data: d.lines.map((l) => ({
      [l.horizontal ? 'yAxis' : 'xAxis']: l.at, lineStyle: { color: l.color ?? look.muted, type: 'dashed', width: 1 },
      label: { show: !!l.label, formatter: l.label, position: 'insideEndTop', fontSize: 11, color: look.muted },
    })),
  };
}

function pie(d: Pie, look: Look, hidden: Set<string>): object {
  const slices = d.slices.filter((s) => !hidden.has(s.key));
  return {
    series: [{
      type: 'pie', radius: [`${Math.round(d.inner * 88)}%`, '88%'], center: ['50%', '50%'], emphasis: { disabled: true }, label: { show: false },
      itemStyle: { borderColor: look.surface, borderWidth: 2 }, minAngle: 1,
      data: slices.map((s) => ({ name: s.name, value: s.value, itemStyle: { color: s.color } })),
    }],
    tooltip: tooltip(look, 'item', (p: any) => {
      const s = slices[p.dataIndex]!;
      return tip('', [{ color: s.color, name: s.name, text: `${s.text} (${s.share})` }]);
    }),
  };
}

function heatmap(d: Heatmap, look: Look): object {
  const scale = (list: Heatmap['x'], inverse: boolean) => ({
    type: 'category', data: list.map((c) => c.label), inverse, splitArea: { show: false }, axisLine: { show: false }, axisTick: { show: false },
    axisLabel: { ...axisText(look), hideOverlap: true },
  });
  return {
    grid: { left: 4, right: 4, top: 4, bottom: 2, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    xAxis: scale(d.x, false), yAxis: scale(d.y, true),
    series: [{
      type: 'heatmap', emphasis: { disabled: true },
      data: d.cells.map((c) => ({ value: [c.x, c.y, c.value], itemStyle: { color: c.color, borderColor: look.surface, borderWidth: 1.5, borderRadius: 3 } })),
    }],
    tooltip: tooltip(look, 'item', (p: any) => {
      const c = d.cells[p.dataIndex]!;
      return tip(`${d.y[c.y]!.long}, ${d.x[c.x]!.long}`, [{ color: c.color, name: d.label, text: c.text }]);
    }),
  };
}

function scatter(d: Scatter, look: Look, hidden: Set<string>): object {
  const scale = (v: Scatter['x'], first: boolean) => ({
    ...valueScale(v, look, false, first), type: v.time ? 'value' : v.log ? 'log' : 'value', scale: true,
    axisLabel: { ...axisText(look), hideOverlap: true, formatter: (n: number) => (v.time ? showBucket(n, 'DAY') : value(n, v.measure)) },
    name: v.title, nameLocation: 'middle', nameGap: 26, nameTextStyle: axisText(look),
  });
  const groups = d.groups.filter((g) => !hidden.has(g.key));
  return {
    grid: { left: 4, right: 12, top: 10, bottom: 24, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    xAxis: scale(d.x, true), yAxis: { ...scale(d.y, true), name: '' },
    series: groups.map((g) => ({
      type: 'scatter', name: g.name, emphasis: { disabled: true }, itemStyle: { color: g.color, opacity: 0.65 },
      data: g.points.map((p) => ({ value: [p.x, p.y], symbolSize: p.size })),
    })),
    tooltip: tooltip(look, 'item', (p: any) => {
      const g = groups[p.seriesIndex]!;
      return tip(g.name, g.points[p.dataIndex]!.text.map(([name, text]) => ({ name, text })));
    }),
  };
}
