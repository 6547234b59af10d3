import { h, useEffect, useMemo, useRef, useState } from '../vendor/preact.js';
import type { Drawing } from './shapes';
import { toChartModel } from './model';
import { option } from './draw';
import { useTheme } from './appearance';
import type { Entities } from './colors';
import type { Chart, Data } from './types';

let loading: Promise<any> | undefined;
const echarts = () => (loading ??= import('../vendor/echarts.js'));

/** Draws a chart: its legend as text, the rest by ECharts, which is fetched when first needed. */
export function ChartView({ chart, data, colors, name, room }: { chart: Chart; data: Data; colors: Entities; name: string; room: number }) {
  const look = useTheme();
  const [hidden, setHidden] = useState<Set<string>>(new Set());
  const model = useMemo(
    () => toChartModel(chart, data, { entities: colors, font: look.text, dark: look.dark, room, now: Date.parse(data.as_of) }),
    [chart, data, colors, look.text, room],
  );
  const entries = legend(model.drawing);
  const d = model.drawing;
  const toggle = (key: string) => setHidden((old) => {
    const next = new Set(old);
    if (!next.delete(key)) next.add(key);
    return next.size >= entries.length ? new Set() : next;
  });
  const side = d.kind === 'pie';
  const units = d.kind === 'cartesian' ? d.values.map((v) => v.title).filter(Boolean) : [];
  return (
    <div class={'chart' + (side ? ' side' : '')}>
      {!side && (entries.length > 0 || units.length > 0 || model.note) && (
        <div class="legend">
          {units.length > 0 && entries.length === 0 && <span class="legend-unit">{units.join(' / ')}</span>}
          {entries.map((e) => (
            <button key={e.key} type="button" class={'legend-item' + (hidden.has(e.key) ? ' off' : '')} aria-pressed={!hidden.has(e.key)} onClick={() => toggle(e.key)} title={`Show or hide ${e.name}`}>
              <Swatch color={e.color} round={e.round} />{e.name}
            </button>
          ))}
          {model.note && <span class="legend-note">{model.note}</span>}
        </div>
      )}
      <Canvas model={model} look={look} hidden={hidden} name={name} />
      {d.kind === 'pie' && (
        <ul class="slices">
          {d.slices.map((s) => (
            <li key={s.key}>
              <button type="button" title={`${s.name}: ${s.text}`} class={hidden.has(s.key) ? 'off' : ''} aria-pressed={!hidden.has(s.key)} onClick={() => toggle(s.key)}>
                <Swatch color={s.color} /><span class="slice-name">{s.name}</span><span class="slice-share">{s.share}</span><span class="slice-value">{s.text}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {d.kind === 'heatmap' && <Ramp colors={d.ramp} low={d.low} high={d.high} label={d.label} />}
      {d.kind === 'cartesian' && d.title && !d.horizontal && <div class="axis-title">{d.title}</div>}
    </div>
  );
}

function legend(d: Drawing): { key: string; name: string; color: string; round?: boolean }[] {
  if (d.kind === 'cartesian') return d.legend === 'hidden' || d.series.length < 2 ? [] : d.series.map((s) => ({ key: s.key, name: s.name, color: s.color, round: s.mark === 'line' && !s.area }));
  if (d.kind === 'scatter') return d.legend === 'hidden' || d.groups.length < 2 ? [] : d.groups.map((g) => ({ key: g.key, name: g.name, color: g.color, round: true }));
  if (d.kind === 'pie') return d.slices;
  return [];
}

function Swatch({ color, round }: { color: string; round?: boolean }) {
  return <span class={'swatch' + (round ? ' line' : '')} style={{ background: color }} />;
}

function Ramp({ colors, low, high, label }: { colors: string[]; low: string; high: string; label: string }) {
  return (
    <div class="ramp">
      <span>{label}</span><span class="number">{low}</span>
      <span class="ramp-bar" style={{ background: `linear-gradient(90deg, ${colors.join(', ')})` }} />
      <span class="number">{high}</span>
    </div>
  );
}

function Canvas({ model, look, hidden, name }: { model: ReturnType<typeof toChartModel>; look: ReturnType<typeof useTheme>; hidden: Set<string>; name: string }) {
  const box = useRef<HTMLDivElement>(null);
  const instance = useRef<any>(null);
  const [width, setWidth] = useState(0);
  const [failed, setFailed] = useState('');
  useEffect(() => {
    let gone = false;
    const watch = new ResizeObserver(() => {
      const e = box.current;
      if (!e || e.clientWidth === 0) return;
      instance.current?.resize();
      setWidth(e.clientWidth);
    });
    echarts().then((lib) => {
      if (gone || !box.current) return;
      instance.current = lib.init(box.current, null, { renderer: 'svg' });
      watch.observe(box.current);
      setWidth(box.current.clientWidth);
    }, () => setFailed('The chart library could not be loaded.'));
    return () => {
      gone = true;
      watch.disconnect();
      instance.current?.dispose();
    };
  }, []);
  useEffect(() => {
    if (width > 0) instance.current?.setOption(option(model, look, hidden, width), { notMerge: true });
  }, [model, look, hidden, width]);
  if (failed) throw new Error(failed);
  const d = model.drawing;
  return (
    <div class="canvas-frame">
      <div class="canvas" ref={box} role="img" aria-label={`${name || 'Chart'}. The same data is there as a table.`} />
      {d.kind === 'pie' && <div class="pie-middle"><div class="pie-total">{d.total}</div><div class="pie-label">{d.label}</div></div>}
    </div>
  );
}
