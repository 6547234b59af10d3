import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aligned, change, fixed, show, showBucket, showTime } from '../../../dashboards/console/web/format';
import type { Format } from '../../../dashboards/console/web/types';

const usd: Format = { kind: 'currency', currency: 'USD', compact: true, places: 2 };
const exact: Format = { kind: 'currency', currency: 'USD', places: 9 };

test('numbers', () => {
  const cases: [string, Format | undefined, string, 'card' | 'axis' | 'exact', string][] = [
    ['79335', undefined, 'LONG', 'exact', '79,335'],
    ['79335', { kind: 'number', compact: true, places: 1 }, 'LONG', 'card', '79.3K'],
    ['999950', { kind: 'number', compact: true, places: 1 }, 'LONG', 'card', '1M'],
    ['79335', { kind: 'number', compact: true, places: 1 }, 'LONG', 'exact', '79,335'],
    ['9007199254740993', undefined, 'LONG', 'exact', '9,007,199,254,740,993'],
    ['-1234', undefined, 'INT', 'exact', '−1,234'],
    ['1500', undefined, 'LONG', 'axis', '1.5K'],
    ['0.1', undefined, 'DOUBLE', 'exact', '0.1'],
    ['1e-07', undefined, 'DOUBLE', 'exact', '0'],
    ['1.005', { kind: 'number', places: 2, exact: true }, 'DECIMAL(10,3)', 'exact', '1.01'],
    ['42', { kind: 'number', noGroups: true, suffix: ' ms' }, 'INT', 'exact', '42 ms'],
    ['1500', { kind: 'number', suffix: ' ms' }, 'LONG', 'card', '1.5 s'],
    ['1500', { kind: 'number', suffix: ' ms' }, 'LONG', 'exact', '1,500 ms'],
    ['379.85', usd, 'DECIMAL(18,9)', 'card', '$379.85'],
    ['1234567.891', usd, 'DECIMAL', 'card', '$1.23M'],
    ['12345.678', usd, 'DECIMAL', 'card', '$12,345.68'],
    ['0.000012345', usd, 'DECIMAL', 'card', '$0.00001235'],
    ['0.000012345', exact, 'DECIMAL', 'exact', '$0.000012345'],
    ['3.500000000', exact, 'DECIMAL', 'exact', '$3.50'],
    ['-2', exact, 'DECIMAL', 'exact', '−$2.00'],
    ['5', { kind: 'currency', currency: 'CHF' }, 'INT', 'exact', 'CHF 5.00'],
    ['0.1234', { kind: 'percent', places: 2 }, 'DOUBLE', 'exact', '12.34%'],
    ['0.0004', { kind: 'percent', places: 1 }, 'DOUBLE', 'card', '<0.1%'],
    ['0', { kind: 'percent', places: 1 }, 'DOUBLE', 'card', '0%'],
    ['12.5', { kind: 'percent', places: 1, scaled: true }, 'DOUBLE', 'card', '12.5%'],
    ['true', undefined, 'BOOLEAN', 'exact', 'yes'],
    ['plain', undefined, 'STRING', 'exact', 'plain'],
    ['007', undefined, 'STRING', 'exact', '007'],
    ['12', { kind: 'number' }, 'STRING', 'exact', '12'],
    ['NaN', undefined, 'DOUBLE', 'exact', 'NaN'],
  ];
  for (const [cell, format, type, place, want] of cases) assert.equal(show(cell, format, type, place), want, `${cell} as ${type}, ${place}`);
  assert.equal(show(null, usd, 'DECIMAL', 'card'), '–');
});

test('decimal text is rounded on its digits', () => {
  assert.equal(fixed('0.1', 0, 30, false), '0.1');
  assert.equal(fixed('999.995', 2, 2, true), '1,000.00');
  assert.equal(fixed('-0.001', 0, 2, false), '0');
  assert.equal(fixed('123456789012345678.123456789', 0, 9, true), '123,456,789,012,345,678.123456789');
  assert.equal(fixed('.5', 0, 0, false), '1');
  assert.equal(fixed('1.5e3', 0, 0, true), '1,500');
});

test('a column of money has as many places as it needs', () => {
  assert.equal(aligned(exact, ['1.500000000', '2.25', null])!.places, 2);
  assert.equal(aligned(exact, ['0.000123000', '2.25'])!.places, 6);
  assert.equal(show('2.25', aligned(exact, ['0.000123', '2.25']), 'DECIMAL', 'exact'), '$2.250000');
});

test('times are UTC', () => {
  assert.equal(showTime('2026-11-01T23:59:59.999Z', undefined, 'TIMESTAMP'), '1 Nov 2026, 23:59:59');
  assert.equal(showTime('2026-11-01 00:00:00', { kind: 'date' }, 'TIMESTAMP'), '1 Nov 2026');
  assert.equal(showTime('2026-11-01', undefined, 'DATE'), '1 Nov 2026');
  assert.equal(showTime('2026-11-01 08:05:00', { kind: 'datetime', pattern: 'YYYY-MM-DD [at] hh:mm A' }, 'TIMESTAMP'), '2026-11-01 at 08:05 AM');
  assert.equal(showTime('not a time', undefined, 'TIMESTAMP'), 'not a time');
  assert.equal(showBucket(Date.UTC(2026, 10, 1), 'MONTH'), 'Nov 2026');
  assert.equal(showBucket(Date.UTC(2026, 10, 1), 'DAY', true), 'Sun, 1 Nov 2026');
  assert.equal(showBucket(Date.UTC(2026, 10, 1, 14), 'HOUR'), '1 Nov 14:00');
});

test('change says nothing where there is nothing to say', () => {
  assert.equal(change(110, 100), '+10.0%');
  assert.equal(change(90, 100), '−10.0%');
  assert.equal(change(300, 100), '+200%');
  assert.equal(change(5000, 100), '+50×');
  assert.equal(change(100, 100), '±0%');
  assert.equal(change(1, 0), '–');
  assert.equal(change(-50, -100), '+50.0%');
});
