import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayOf, readChoices, summary, writeChoices } from '../../../dashboards/console/web/choices';
import { csv, sortRows } from '../../../dashboards/console/web/table';
import { matches } from '../../../dashboards/console/web/rules';
import type { Filter, Item } from '../../../dashboards/console/web/types';

const filter = (kind: Filter['kind'], more: Partial<Filter> = {}): Filter =>
  ({ kind, type: kind === 'date-range' ? 'DATE' : 'STRING', options: true, allowAll: true, default: null, exclude: false, field: 'x', ...more });
const item = (id: string, kind: Filter['kind']): Item => ({ x: 0, y: 0, w: 1, h: 1, id, filter: filter(kind) });

test('choices survive the address', () => {
  const filters = [item('team', 'multi'), item('time', 'date-range'), item('note', 'text'), item('all', 'single'), item('cost', 'number-range')];
  const choices = {
    team: { values: ['a&b=c', null, '~tilde', ''] }, time: { min: 'now-6d/d', max: 'now/d' }, note: { text: '50% – ä' }, all: { all: true }, cost: { min: '1', max: undefined },
  };
  const search = writeChoices(choices);
  assert.deepEqual(readChoices(search, filters), choices);
  assert.equal(writeChoices({}), '');
  assert.deepEqual(readChoices('?f.unknown=1&other=2', filters), {});
});

test('what is chosen is said in few words', () => {
  assert.equal(summary(filter('multi'), null), 'All');
  assert.equal(summary(filter('multi'), { values: ['a', null] }), 'a, (none)');
  assert.equal(summary(filter('multi'), { values: ['a', 'b', 'c'] }), 'a +2');
  assert.equal(summary(filter('multi', { exclude: true }), { values: ['a'] }), 'not a');
  assert.equal(summary(filter('date-range'), { min: 'now-29d/d', max: 'now/d' }), 'Last 30 days');
  assert.equal(summary(filter('date-range'), { min: '2026-11-01', max: '2026-11-20' }), '1 Nov – 20 Nov 2026');
  assert.equal(summary(filter('date-range'), { min: '2025-12-31', max: '2026-01-02' }), '31 Dec 2025 – 2 Jan 2026');
  assert.equal(summary(filter('date-range'), { min: '2026-11-01' }), 'since 1 Nov 2026');
  assert.equal(summary(filter('number-range'), { min: '1', max: '5' }), '1 to 5');
  assert.equal(summary(filter('single'), { all: true }), 'All');
});

test('relative dates have a day', () => {
  const now = new Date(Date.UTC(2026, 2, 31, 23));
  assert.equal(dayOf('now/d', false, now), '2026-03-31');
  assert.equal(dayOf('now-29d/d', false, now), '2026-03-02');
  assert.equal(dayOf('now-1M/M', false, now), '2026-02-01');
  assert.equal(dayOf('now-1M/M', true, now), '2026-02-28');
  assert.equal(dayOf('now/M', true, now), '2026-03-31');
  assert.equal(dayOf('2026-01-05', false, now), '2026-01-05');
  assert.equal(dayOf('now-1h', false, now), '');
});

test('rows sort by size and NULL comes last', () => {
  const rows = [['10'], [null], ['9'], ['-1']];
  assert.deepEqual(sortRows(rows, 0, 'LONG', false).map((r) => r[0]), ['-1', '9', '10', null]);
  assert.deepEqual(sortRows(rows, 0, 'LONG', true).map((r) => r[0]), ['10', '9', '-1', null]);
  assert.deepEqual(sortRows([['b10'], ['b9']], 0, 'STRING', false).map((r) => r[0]), ['b9', 'b10']);
});

test('CSV quotes, and defuses what spreadsheets would run', () => {
  const data = { columns: [{ name: 'a,b', type: 'STRING' }, { name: 'n', type: 'LONG' }], rows: [['say "hi"\n', '-1'], ['=cmd()', null]] };
  assert.equal(csv(data), '"a,b",n\r\n"say ""hi""\n",-1\r\n\'=cmd(),\r\n');
});

test('style rules compare numbers as numbers', () => {
  assert.ok(matches({ op: '>', value: '9' }, '10'));
  assert.ok(!matches({ op: '>', value: '9' }, null));
  assert.ok(matches({ op: '=', value: 'x' }, 'x'));
  assert.ok(matches({ op: '<', value: 'b' }, 'a'));
});
