import { h } from '../vendor/preact.js';
import { change, isNumber, millis, show, unknown } from './format';
import { matches } from './rules';
import type { Entities } from './colors';
import type { Cell, Counter, Data, Field } from './types';

export interface CounterModel {
  text: string;
  exact: string;
  color?: string;
  bold: boolean;
  change: string;
  direction: 'up' | 'down' | 'flat';
  against: string;
  trend: number[];
}

/** What a counter says; it throws when a column is missing. */
export function counterModel(c: Counter, data: Pick<Data, 'columns' | 'rows'>, colors?: Entities): CounterModel {
  const at = (f: Field) => {
    const i = data.columns.findIndex((x) => x.name === f.name);
    if (i < 0) throw new Error(`The result has no column “${f.name}”.`);
    return i;
  };
  let rows = data.rows;
  let row = c.row;
  if (c.period) {
    const p = at(c.period);
    rows = [...rows].sort((a, b) => millis(a[p] ?? '') - millis(b[p] ?? ''));
    row = rows.length - 1;
  }
  const value = at(c.value);
  const type = data.columns[value]!.type;
  const cell: Cell = rows[row]?.[value] ?? null;
  let text = show(cell, c.value.format, type, 'card');
  if (c.template && cell !== null) text = c.template.replace(/\{\{\s*@formatted\s*\}\}/g, text).replace(/\{\{\s*@\s*\}\}/g, cell);
  const rule = c.rules?.find((r) => matches(r, cell));
  const out: CounterModel = {
    text, exact: show(cell, c.value.format && { ...c.value.format, compact: false }, type, 'exact'),
    color: colors?.resolve(rule?.color, 'currentColor'), bold: !!rule?.bold, change: '', direction: 'flat', against: '',
    trend: c.period && isNumber(type) ? rows.map((r) => Number(r[value] ?? NaN)).filter(Number.isFinite) : [],
  };
  let other: Cell = null;
  let label = '';
  if (c.target) {
    other = rows[row]?.[at(c.target)] ?? null;
    label = c.target.label;
  } else if (c.period && rows.length > 1) {
    other = rows[row - 1]?.[value] ?? null;
    label = 'before';
  }
  if (label && isNumber(type)) {
    out.against = `${label} ${show(other, c.target?.format ?? c.value.format, type, 'card')}`;
    out.change = cell === null || other === null ? unknown : change(Number(cell), Number(other));
    out.direction = out.change.startsWith('+') || out.change.endsWith('×') ? 'up' : out.change.startsWith('−') ? 'down' : 'flat';
    if (out.change === unknown) out.change = '';
  }
  return out;
}

export function CounterView({ counter, data, colors }: { counter: Counter; data: Data; colors: Entities }) {
  const m = counterModel(counter, data, colors);
  return (
    <div class="counter">
      <div class={'counter-value' + (m.text.length > 9 ? ' long' : '')} title={m.exact} style={m.color ? { color: m.color } : undefined}>{m.text}</div>
      {(m.change || m.against) && (
        <div class="counter-foot">
          {m.change && <span class={'delta ' + m.direction}>{m.direction === 'up' ? '▲' : m.direction === 'down' ? '▼' : ''} {m.change.replace(/^[+−]/, '')}</span>}
          <span class="counter-against">{m.against}</span>
        </div>
      )}
      {m.trend.length > 2 && <Sparkline values={m.trend} />}
    </div>
  );
}

function Sparkline({ values }: { values: number[] }) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const points = values.map((v, i) => `${((i / (values.length - 1)) * 100).toFixed(2)},${(28 - ((v - low) / (high - low || 1)) * 26).toFixed(2)}`);
  return (
    <svg class="sparkline" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">
      <polyline points={points.join(' ')} />
    </svg>
  );
}
