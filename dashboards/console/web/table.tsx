import { h, useMemo, useState } from '../vendor/preact.js';
import { aligned, fixed, isNumber, isTime, millis, show, showBucket } from './format';
import { matches } from './rules';
import type { Entities } from './colors';
import type { Cell, Column, Data, Table } from './types';

/** The columns to show: the widget's own, or all there are. */
export function columnsOf(table: Table | null, data: Pick<Data, 'columns'>): Column[] {
  if (table?.columns?.length) return table.columns;
  return data.columns.map((c) => ({ name: c.name, label: c.name }));
}

/** Orders rows by a column: numbers and times by size, text as people sort it, NULL last. */
export function sortRows(rows: Cell[][], at: number, type: string, down: boolean): Cell[][] {
  const key = (c: Cell): number | string | null => (c === null ? null : isNumber(type) ? Number(c) : isTime(type) ? millis(c) : c);
  return rows
    .map((r) => ({ r, k: key(r[at] ?? null) }))
    .sort((a, b) => {
      if (a.k === null || b.k === null) return a.k === b.k ? 0 : a.k === null ? 1 : -1;
      const d = typeof a.k === 'number' && typeof b.k === 'number' ? a.k - b.k : String(a.k).localeCompare(String(b.k), 'en', { numeric: true });
      return down ? -d : d;
    })
    .map((x) => x.r);
}

const step = 100;

export function TableView({ table, data, colors }: { table: Table | null; data: Data; colors: Entities }) {
  const [sort, setSort] = useState<{ name: string; down: boolean } | null>(null);
  const [shown, setShown] = useState(step);
  const columns = columnsOf(table, data);
  const index = useMemo(() => new Map(data.columns.map((c, i) => [c.name, i])), [data]);
  const rows = useMemo(() => {
    const at = sort ? index.get(sort.name) : undefined;
    return sort && at !== undefined ? sortRows(data.rows, at, data.columns[at]!.type, sort.down) : data.rows;
  }, [data, sort, index]);
  const present = useMemo(
    () => columns.filter((c) => index.has(c.name)).map((c) => ({ ...c, format: aligned(c.format && { ...c.format, compact: false }, data.rows.map((r) => r[index.get(c.name)!]!)) })),
    [table, data, index],
  );
  const missing = columns.filter((c) => !index.has(c.name));
  if (missing.length === columns.length && columns.length > 0) throw new Error(`The result has none of the table's columns (${missing.map((c) => c.label).join(', ')}).`);
  const types = present.map((c) => data.columns[index.get(c.name)!]!.type);
  const turn = (c: Column, type: string) => setSort((s) => (s?.name === c.name ? { name: c.name, down: !s.down } : { name: c.name, down: isNumber(type) || isTime(type) }));
  return (
    <div class="table-scroll" tabIndex={0}>
      <table class="table">
        <thead>
          <tr>
            {table?.rowNumbers && <th class="right">#</th>}
            {present.map((c, i) => (
              <th key={c.name} class={align(c, types[i]!)} aria-sort={sort?.name === c.name ? (sort.down ? 'descending' : 'ascending') : undefined} title={c.description || c.label}>
                <button type="button" onClick={() => turn(c, types[i]!)}>
                  {c.label}
                  <span class="sort-mark">{sort?.name === c.name ? (sort.down ? '↓' : '↑') : ''}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, shown).map((r, n) => (
            <tr key={n}>
              {table?.rowNumbers && <td class="right muted">{n + 1}</td>}
              {present.map((c, i) => <CellView key={c.name} column={c} type={types[i]!} cell={r[index.get(c.name)!] ?? null} row={r} index={index} colors={colors} />)}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown && (
        <button type="button" class="table-more" onClick={() => setShown(shown + 5 * step)}>
          Show more <span class="muted">({fixed(String(shown), 0, 0, true)} of {fixed(String(rows.length), 0, 0, true)})</span>
        </button>
      )}
      {missing.length > 0 && <div class="table-note">not in the result: {missing.map((c) => c.label).join(', ')}</div>}
    </div>
  );
}

function align(c: Column, type: string): string {
  if (c.align === 'left' || c.align === 'center' || c.align === 'right') return c.align;
  return isNumber(type) && c.as !== 'string' ? 'right' : 'left';
}

function CellView(p: { column: Column; type: string; cell: Cell; row: Cell[]; index: Map<string, number>; colors: Entities }) {
  const { column: c, cell } = p;
  const rule = c.rules?.find((r) => matches(r, r.column ? p.row[p.index.get(r.column) ?? -1] ?? null : cell));
  const style = rule && { color: p.colors.resolve(rule.color, 'currentColor'), background: p.colors.resolve(rule.background, 'currentColor'), fontWeight: rule.bold ? 600 : undefined };
  const text = c.unit && cell !== null && isTime(p.type) ? showBucket(millis(cell), c.unit, true) : show(cell, c.format, p.type, 'exact');
  const href = c.link && safeLink(fill(c.link, c.name, p));
  const name = c.linkText ? fill(c.linkText, c.name, p) : text;
  return (
    <td class={align(c, p.type) + (cell === null ? ' muted' : '') + (isNumber(p.type) ? ' number' : '')} style={style} title={text.length > 40 ? text : undefined}>
      {href && c.as === 'link' ? <a href={href} target="_blank" rel="noopener noreferrer">{name || text}</a> : text}
    </td>
  );
}

// Templates hold {{ @ }} for the cell and {{ column }} for others; values are encoded for addresses.
function fill(template: string, own: string, p: { cell: Cell; row: Cell[]; index: Map<string, number> }): string {
  return template.replace(/\{\{\s*([^}]*?)\s*\}\}/g, (_, name: string) => {
    const value = name === '@' || name === own ? p.cell : p.row[p.index.get(name) ?? -1];
    return template.trim() === `{{ ${name} }}` ? value ?? '' : encodeURIComponent(value ?? '');
  });
}

function safeLink(s: string): string | undefined {
  return /^https?:\/\//i.test(s.trim()) ? s.trim() : undefined;
}

/** All rows as CSV, cells as the database wrote them. */
export function csv(data: Pick<Data, 'columns' | 'rows'>): string {
  // A leading sign that spreadsheets take for a formula is defused, except in numbers.
  const quote = (c: Cell, type = '') => {
    if (c === null) return '';
    const s = /^[=+\-@\t\r]/.test(c) && !isNumber(type) ? "'" + c : c;
    return /[",\n\r]/.test(s) ? '"' + s.replaceAll('"', '""') + '"' : s;
  };
  const lines = [data.columns.map((c) => quote(c.name)), ...data.rows.map((r) => r.map((c, i) => quote(c, data.columns[i]!.type)))];
  return lines.map((l) => l.join(',')).join('\r\n') + '\r\n';
}
