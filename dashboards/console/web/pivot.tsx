import { h } from '../vendor/preact.js';
import { aligned, isNumber, isTime, millis, show, showBucket, unknown } from './format';
import type { Cell, Data, Field, Pivot } from './types';

interface Line {
  labels: string[];
  total: boolean;
  cells: string[];
}

export interface PivotModel {
  heads: string[];
  columns: { label: string; total: boolean }[];
  lines: Line[];
}

/** Lays rows and totals out as a grid; totals come from the query, they are not added up here. */
export function pivotModel(p: Pivot, data: Pick<Data, 'columns' | 'rows'>): PivotModel {
  const at = (name: string) => data.columns.findIndex((c) => c.name === name);
  const rows = p.rows ?? [];
  const columns = p.columns ?? [];
  const dims = data.columns.filter((c) => !c.name.startsWith('lg_total_') && [...rows, ...columns].some((f) => f.name === c.name)).map((c) => c.name);
  const isTotal = (r: Cell[], f: Field) => {
    const flag = at('lg_total_' + dims.indexOf(f.name));
    return flag >= 0 && Number(r[flag]) === 1;
  };
  const key = (r: Cell[], fields: Field[]) => fields.map((f) => (isTotal(r, f) ? '\u0001' : r[at(f.name)] ?? '\u0000')).join('\u0002');
  const label = (r: Cell[], f: Field) => {
    if (isTotal(r, f)) return 'Total';
    const cell = r[at(f.name)] ?? null;
    if (cell === null) return '(none)';
    const type = data.columns[at(f.name)]!.type;
    return f.unit && isTime(type) ? showBucket(millis(cell), f.unit) : show(cell, f.format, type, 'exact');
  };
  const group = (fields: Field[]) => {
    const seen = new Map<string, Cell[]>();
    for (const r of data.rows) {
      const k = key(r, fields);
      if (!seen.has(k)) seen.set(k, r);
    }
    const list = [...seen].map(([k, r]) => ({ k, r, total: fields.length > 0 && fields.every((f) => isTotal(r, f)) }));
    // Part totals (of some of the fields, not all) would only repeat lines.
    return list.filter((x) => x.total || !fields.some((f) => isTotal(x.r, f))).sort((a, b) => Number(a.total) - Number(b.total) || natural(a.r, b.r, fields));
  };
  const natural = (a: Cell[], b: Cell[], fields: Field[]) => {
    for (const f of fields) {
      const [x, y] = [a[at(f.name)] ?? '', b[at(f.name)] ?? ''];
      const d = isNumber(data.columns[at(f.name)]!.type) ? Number(x) - Number(y) : x.localeCompare(y, 'en', { numeric: true });
      if (d) return d;
    }
    return 0;
  };
  const across = columns.length ? group(columns) : [{ k: '', r: [] as Cell[], total: false }];
  const several = p.cells.length > 1;
  const formats = p.cells.map((f) => aligned(f.format, data.rows.map((r) => r[at(f.name)] ?? null)));
  const cellAt = new Map(data.rows.map((r) => [key(r, rows) + '\u0003' + key(r, columns), r]));
  return {
    heads: rows.map((f) => f.label),
    columns: across.flatMap((c) => p.cells.map((f) => ({
      label: [columns.length ? (c.total ? 'Total' : columns.map((x) => label(c.r, x)).join(', ')) : '', several || !columns.length ? f.label : ''].filter(Boolean).join(' · '), total: c.total,
    }))),
    lines: group(rows).map((line) => ({
      labels: line.total ? ['Total', ...rows.slice(1).map(() => '')] : rows.map((f) => label(line.r, f)), total: line.total,
      cells: across.flatMap((c) => p.cells.map((f, i) => {
        const r = cellAt.get(line.k + '\u0003' + (columns.length ? c.k : key(line.r, columns)));
        return r ? show(r[at(f.name)] ?? null, formats[i], data.columns[at(f.name)]!.type, 'exact') : unknown;
      })),
    })),
  };
}

export function PivotView({ pivot, data }: { pivot: Pivot; data: Data }) {
  const m = pivotModel(pivot, data);
  return (
    <div class="table-scroll" tabIndex={0}>
      <table class="table pivot">
        <thead>
          <tr>
            {m.heads.map((x) => <th key={x} class="left">{x}</th>)}
            {m.columns.map((c, i) => <th key={i} class={'right' + (c.total ? ' total' : '')}>{c.label}</th>)}
          </tr>
        </thead>
        <tbody>
          {m.lines.map((l, i) => (
            <tr key={i} class={l.total ? 'total' : ''}>
              {l.labels.map((x, j) => <th key={j} class="left" scope="row">{x}</th>)}
              {l.cells.map((x, j) => <td key={j} class={'right number' + (m.columns[j]!.total ? ' total' : '') + (x === unknown ? ' muted' : '')}>{x}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
