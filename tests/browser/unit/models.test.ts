// Models of charts, counters and pivots, compared with what is kept in models.json: rewritten with UPDATE=1.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Entities, palette } from '../../../dashboards/console/web/colors';
import { counterModel } from '../../../dashboards/console/web/counter';
import { toChartModel } from '../../../dashboards/console/web/model';
import { pivotModel } from '../../../dashboards/console/web/pivot';
import type { Axis, Chart, Data, Field } from '../../../dashboards/console/web/types';

const file = process.env.MODELS!;
const context = () => ({ entities: new Entities(palette), font: '#111111', dark: false, room: 5, now: Date.UTC(2026, 10, 4, 12) });
const table = (columns: [string, string][], ...rows: (string | null)[][]): Data =>
  ({ columns: columns.map(([name, type]) => ({ name, type })), rows, as_of: '', elapsed_ms: 0, sql: '' });
const f = (name: string, more: Partial<Field> = {}): Field => ({ name, label: name, ...more });
const axis = (scale: string, ...fields: Field[]): Axis => ({ scale, fields });
const day = f('day', { unit: 'DAY' });
const sum = f('cost', { agg: 'sum', format: { kind: 'currency', currency: 'USD', compact: true, places: 2 } });
const p95 = f('p95', { agg: 'percentile' });
const daily: [string, string][] = [['day', 'TIMESTAMP'], ['team', 'STRING'], ['cost', 'DECIMAL(18,9)']];

const cases: Record<string, () => unknown> = {
  'stacked bars fill missing days with 0 and mark today': () =>
    toChartModel({ mark: 'bar', x: axis('temporal', day), y: axis('quantitative', sum), color: { field: f('team'), mappings: [{ value: 'b', color: '#ff0000' }] } } as Chart,
      table(daily, ['2026-11-01', 'a', '1.5'], ['2026-11-01', 'b', '2'], ['2026-11-04', 'a', '3'], ['2026-11-04', null, '1']), context()),
  'lines of percentiles leave gaps': () =>
    toChartModel({ mark: 'line', x: axis('temporal', day), y: axis('quantitative', p95) } as Chart,
      table([['day', 'DATE'], ['p95', 'DOUBLE']], ['2026-11-01', '10'], ['2026-11-03', '12.5']), context()),
  'shares add up to one': () =>
    toChartModel({ mark: 'bar', layout: 'percent-stack', x: axis('temporal', day), y: axis('quantitative', sum), color: { field: f('team') } } as Chart,
      table(daily, ['2026-11-01', 'a', '1'], ['2026-11-01', 'b', '3']), context()),
  'horizontal bars are sorted, cut to the room, and drop what has no value': () =>
    toChartModel({ mark: 'bar', x: axis('quantitative', sum), y: { ...axis('categorical', f('team')), sort: { by: 'x-reversed' } } } as Chart,
      table([['team', 'STRING'], ['cost', 'DECIMAL']], ...['a', 'b', 'c', 'd', 'e', 'g', 'h'].map((t, i) => [t, String(i)]), ['none', null]), context()),
  'many series become other': () =>
    toChartModel({ mark: 'area', x: axis('temporal', day), y: axis('quantitative', sum), color: { field: f('team') } } as Chart,
      table(daily, ...Array.from({ length: 14 }, (_, i) => ['2026-11-01', 't' + String(i).padStart(2, '0'), String(100 - i)])), context()),
  'a histogram gathers its tail': () =>
    toChartModel({ mark: 'histogram', x: axis('quantitative', f('bin', { bin: '10' })), y: axis('quantitative', f('n', { agg: 'count' })) } as Chart,
      table([['bin', 'DOUBLE'], ['n', 'LONG']], ['0', '5'], ['20', '3'], ...Array.from({ length: 70 }, (_, i) => [String(30 + 10 * i), '1'])), context()),
  'a combo has two axes': () =>
    toChartModel({ mark: 'combo', x: axis('temporal', day), y: axis('quantitative', sum), y2: axis('quantitative', f('n', { agg: 'count' })) } as Chart,
      table([['day', 'DATE'], ['cost', 'DECIMAL'], ['n', 'LONG']], ['2026-11-01', '1', '10']), context()),
  'a pie is sorted and says shares': () =>
    toChartModel({ mark: 'pie', angle: sum, color: { field: f('team') } } as Chart,
      table([['team', 'STRING'], ['cost', 'DECIMAL']], ['a', '1'], ['b', '3'], ['zero', '0'], [null, '4']), context()),
  'a heat map orders both sides': () =>
    toChartModel({ mark: 'heatmap', x: axis('categorical', f('hour')), y: { ...axis('categorical', f('weekday')), sort: { by: 'custom-order', values: ['Mon', 'Tue'] } }, color: { field: p95, ramp: ['#ffffff', '#000000'] } } as Chart,
      table([['hour', 'INT'], ['weekday', 'STRING'], ['p95', 'DOUBLE']], ['10', 'Tue', '5'], ['9', 'Mon', '1'], ['9', 'Tue', null]), context()),
  'a scatter groups by colour': () =>
    toChartModel({ mark: 'scatter', x: axis('quantitative', f('ms')), y: axis('quantitative', sum), color: { field: f('team') } } as Chart,
      table([['ms', 'LONG'], ['cost', 'DECIMAL'], ['team', 'STRING']], ['5', '1', 'a'], ['6', '2', 'b'], [null, '3', 'a']), context()),
  'no rows': () => toChartModel({ mark: 'bar', x: axis('temporal', day), y: axis('quantitative', sum) } as Chart, table(daily), context()),
  'a counter against its target': () =>
    counterModel({ value: sum, row: 0, target: f('before', { label: 'before', format: sum.format }) }, table([['cost', 'DECIMAL'], ['before', 'DECIMAL']], ['1200.5', '1000'])),
  'a counter of NULL': () => counterModel({ value: sum, row: 0, target: f('before') }, table([['cost', 'DECIMAL'], ['before', 'DECIMAL']], [null, '1000'])),
  'a counter with periods': () => counterModel({ value: f('n'), row: 0, period: day }, table([['day', 'DATE'], ['n', 'LONG']], ['2026-11-02', '5'], ['2026-11-01', '4'], ['2026-11-03', '6'])),
  'a pivot with totals': () =>
    pivotModel({ rows: [f('team')], columns: [f('month', { unit: 'MONTH' })], cells: [sum] },
      table([['team', 'STRING'], ['month', 'DATE'], ['cost', 'DECIMAL'], ['lg_total_0', 'INT'], ['lg_total_1', 'INT']],
        ['b', '2026-10-01', '1.25', '0', '0'], ['a', '2026-11-01', '2', '0', '0'], ['a', null, '2', '0', '1'], ['b', null, '1.25', '0', '1'],
        [null, '2026-10-01', '1.25', '1', '0'], [null, '2026-11-01', '2', '1', '0'], [null, null, '3.25', '1', '1'])),
};

const got = Object.fromEntries(Object.entries(cases).map(([name, make]) => [name, JSON.parse(JSON.stringify(make()))]));
if (process.env.UPDATE) writeFileSync(file, JSON.stringify(got, null, 1) + '\n');
const want = JSON.parse(readFileSync(file, 'utf8'));

for (const name of Object.keys(cases)) test(name, () => assert.deepEqual(got[name], want[name]));

test('models are pure', () => {
  for (const make of Object.values(cases)) assert.deepEqual(JSON.stringify(make()), JSON.stringify(make()));
});

test('a column that is not there is named', () => {
  assert.throws(() => toChartModel({ mark: 'pie', angle: f('gone') } as Chart, table(daily), context()), /no column “gone”/);
});

test('a value keeps its colour', () => {
  const e = new Entities(palette);
  const first = e.of('endpoint', 'chat');
  e.of('endpoint', 'code');
  assert.equal(e.of('Endpoint', 'chat'), first);
  assert.notEqual(e.of('endpoint', 'code'), first);
});
