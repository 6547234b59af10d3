import type { Cell, Format } from './types';

export const unknown = '–';

const numeric = new Set(['INT', 'LONG', 'BIGINT', 'SHORT', 'BYTE', 'FLOAT', 'DOUBLE', 'DECIMAL', 'INTEGER', 'SMALLINT', 'TINYINT', 'HUGEINT']);
const whole = new Set(['INT', 'LONG', 'BIGINT', 'SHORT', 'BYTE', 'INTEGER', 'SMALLINT', 'TINYINT', 'HUGEINT']);

const base = (type: string) => type.toUpperCase().replace(/[(<].*$/, '').trim();

export const isNumber = (type: string) => numeric.has(base(type));
export const isWhole = (type: string) => whole.has(base(type));
export const isTime = (type: string) => ['DATE', 'TIMESTAMP', 'TIMESTAMP_NTZ'].includes(base(type));

/** Where a number is shown: cards abbreviate, tables and tooltips are exact. */
export type Place = 'card' | 'axis' | 'exact';

/** The value as people read it. */
export function show(cell: Cell | undefined, format: Format | undefined, type: string, place: Place): string {
  if (cell === null || cell === undefined) return unknown;
  if (isTime(type) || format?.kind === 'date' || format?.kind === 'datetime') return showTime(cell, format, type);
  if (isNumber(type) || (format && /^-?\d+(\.\d+)?(e[-+]?\d+)?$/i.test(cell))) return showNumber(cell, format, place, isWhole(type));
  if (base(type) === 'BOOLEAN') return cell === 'true' ? 'yes' : 'no';
  return cell + (format?.suffix ?? '');
}

export function showNumber(cell: string, format: Format | undefined, place: Place, integer = false): string {
  const n = Number(cell);
  if (!Number.isFinite(n)) return cell;
  if (format?.kind === 'percent') return percent(n, format);
  if (place !== 'exact' && format?.suffix?.trim() === 'ms' && Math.abs(n) >= 1000) {
    return fixed(String(n / 1000), 0, place === 'axis' ? 1 : 2, true).replace(/^-/, '−') + ' s';
  }
  const money = format?.kind === 'currency';
  const sign = money ? symbol(format!.currency ?? 'USD') : '';
  const wrap = (digits: string) => (digits.startsWith('-') ? '−' + sign + digits.slice(1) : sign + digits) + (format?.suffix ?? '');
  if (place !== 'exact' && (format?.compact ?? place === 'axis')) {
    if (Math.abs(n) >= (money && place === 'card' ? 100_000 : 1000)) return wrap(compact(n, place, format));
  }
  if (money) return wrap(moneyDigits(cell, n, format!, place));
  if (format?.places !== undefined) return wrap(fixed(cell, format.exact ? format.places : 0, format.places, !format.noGroups));
  if (integer) return wrap(fixed(cell, 0, 0, true));
  return wrap(fixed(cell, 0, place === 'exact' ? 6 : Math.abs(n) >= 100 ? 0 : Math.abs(n) >= 1 ? 2 : 4, true));
}

// Cards and axes show cents, and four digits of what is less than a cent; tables show what is there.
function moneyDigits(cell: string, n: number, format: Format, place: Place): string {
  if (place === 'axis') return fixed(cell, Math.abs(n) > 0 && Math.abs(n) < 1 ? 2 : 0, Math.abs(n) < 1 ? 4 : 2, true);
  if (place === 'exact' || format.exact) {
    const places = format.places ?? 9;
    return fixed(cell, format.exact ? places : Math.min(2, places), places, true);
  }
  if (n !== 0 && Math.abs(n) < 0.01) return fixed(cell, 2, Math.min(9, 3 - Math.floor(Math.log10(Math.abs(n)))), true);
  return fixed(cell, 2, 2, true);
}

function percent(n: number, format: Format): string {
  const value = format.scaled ? n : n * 100;
  if (value === 0) return '0%';
  if (value !== 0 && Math.abs(value) < 0.1 && (format.places ?? 1) <= 1) return value > 0 ? '<0.1%' : '>−0.1%';
  return fixed(String(value), format.exact ? (format.places ?? 1) : Math.min(1, format.places ?? 1), format.places ?? 1, true).replace(/^-/, '−') + '%';
}

function symbol(currency: string): string {
  return ({ USD: '$', EUR: '€', GBP: '£', JPY: '¥' } as Record<string, string>)[currency] ?? currency + ' ';
}

function compact(n: number, place: Place, format?: Format): string {
  const units: [number, string][] = [[1e12, 'T'], [1e9, 'B'], [1e6, 'M'], [1e3, 'K']];
  for (let i = 0; i < units.length; i++) {
    let [size, unit] = units[i]!;
    if (Math.abs(n) < size) continue;
    const places = format?.places === undefined || place === 'axis' ? 1 : Math.min(format.places, 2);
    let digits = (n / size).toFixed(places);
    if (Math.abs(Number(digits)) >= 1000 && i > 0) {
      [size, unit] = units[i - 1]!;
      digits = (n / size).toFixed(places);
    }
    if (place === 'axis' || !format?.exact) digits = digits.replace(/\.0+$/, '');
    return digits + unit;
  }
  return String(n);
}

/** The decimal text of a number with min to max places, rounded half up on its digits, not on a float. */
export function fixed(cell: string, min: number, max: number, groups: boolean): string {
  let text = cell.trim();
  if (/e/i.test(text) || !/^-?\d*\.?\d*$/.test(text)) text = Number(text).toFixed(Math.min(20, Math.max(max, 12)));
  const negative = text.startsWith('-');
  let [int = '0', frac = ''] = text.replace('-', '').split('.');
  int = int.replace(/^0+(?=\d)/, '') || '0';
  if (frac.length > max) {
    const up = frac.charCodeAt(max) >= 53;
    let digits = int + frac.slice(0, max);
    if (up) digits = (BigInt(digits) + 1n).toString().padStart(digits.length, '0');
    int = digits.slice(0, digits.length - max) || '0';
    frac = max > 0 ? digits.slice(-max) : '';
  }
  frac = frac.replace(/0+$/, '').padEnd(min, '0');
  if (groups) int = int.replace(/\B(?=(\d{3})+$)/g, ',');
  const zero = /^[0,]*$/.test(int) && /^0*$/.test(frac);
  return (negative && !zero ? '-' : '') + int + (frac ? '.' + frac : '');
}

/** The format that gives all cells of a column as many places as its longest needs, so that points align. */
export function aligned(format: Format | undefined, cells: Cell[]): Format | undefined {
  if (format?.kind !== 'currency' || format.exact) return format;
  const most = format.places ?? 9;
  const needs = cells.map((c) => /^-?\d*\.(\d*?)0*$/.exec(c ?? '')?.[1]!.length ?? 0);
  return { ...format, exact: true, places: Math.min(most, Math.max(Math.min(2, most), ...needs)) };
}

/** Milliseconds since 1970 of a DATE or TIMESTAMP cell, which is UTC. */
export function millis(cell: string): number {
  const m = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?/.exec(cell);
  if (!m) return NaN;
  const [, y, mo, d, h, mi, s, f] = m;
  return Date.UTC(+y!, +mo! - 1, +d!, +(h ?? 0), +(mi ?? 0), +(s ?? 0), Math.floor(+('0.' + (f ?? '0')) * 1000));
}

export const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (n: number) => String(n).padStart(2, '0');

export function showTime(cell: string, format: Format | undefined, type: string): string {
  const ms = millis(cell);
  if (Number.isNaN(ms)) return cell;
  const t = new Date(ms);
  if (format?.pattern) return moment(t, format.pattern);
  const day = `${t.getUTCDate()} ${months[t.getUTCMonth()]} ${t.getUTCFullYear()}`;
  if (base(type) === 'DATE' || format?.kind === 'date') return day;
  return `${day}, ${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())}`;
}

/** A time cut to a unit, short for axes. */
export function showBucket(ms: number, unit: string | undefined, long = false): string {
  const t = new Date(ms);
  const day = `${t.getUTCDate()} ${months[t.getUTCMonth()]}`;
  const clock = `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}`;
  const year = t.getUTCFullYear();
  switch (unit) {
    case 'YEAR': return String(year);
    case 'QUARTER': return `Q${Math.floor(t.getUTCMonth() / 3) + 1} ${year}`;
    case 'MONTH': return `${months[t.getUTCMonth()]} ${year}`;
    case 'WEEK': return long ? `Week of ${day} ${year}` : day;
    case 'DAY': return long ? `${weekdays[t.getUTCDay()]}, ${day} ${year}` : day;
    case 'HOUR': case 'MINUTE': return long ? `${day} ${year}, ${clock} UTC` : `${day} ${clock}`;
    default: return long ? `${day} ${year}, ${clock}:${two(t.getUTCSeconds())} UTC` : `${day} ${clock}`;
  }
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** The part of moment.js patterns that dashboards use. */
function moment(t: Date, pattern: string): string {
  const parts: Record<string, string> = {
    YYYY: String(t.getUTCFullYear()), YY: two(t.getUTCFullYear() % 100), MMMM: months[t.getUTCMonth()]!, MMM: months[t.getUTCMonth()]!,
    MM: two(t.getUTCMonth() + 1), M: String(t.getUTCMonth() + 1), DD: two(t.getUTCDate()), D: String(t.getUTCDate()),
    HH: two(t.getUTCHours()), H: String(t.getUTCHours()), hh: two(t.getUTCHours() % 12 || 12), h: String(t.getUTCHours() % 12 || 12),
    mm: two(t.getUTCMinutes()), ss: two(t.getUTCSeconds()), SSS: String(t.getUTCMilliseconds()).padStart(3, '0'),
    A: t.getUTCHours() < 12 ? 'AM' : 'PM', a: t.getUTCHours() < 12 ? 'am' : 'pm', z: 'UTC', Z: '+00:00',
    ll: `${t.getUTCDate()} ${months[t.getUTCMonth()]} ${t.getUTCFullYear()}`, L: `${t.getUTCFullYear()}-${two(t.getUTCMonth() + 1)}-${two(t.getUTCDate())}`,
    LTS: `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())}`, LT: `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}`,
  };
  return pattern.replace(/\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DD|D|HH|H|hh|h|mm|ss|SSS|LTS|LT|ll|L|A|a|z|Z/g, (m, literal) => literal ?? parts[m] ?? m);
}

/** How a value changed against another, for people: +12.3%, −4%, or a dash when that says nothing. */
export function change(now: number, before: number): string {
  if (!Number.isFinite(now) || !Number.isFinite(before) || before === 0) return unknown;
  const ratio = (now - before) / Math.abs(before);
  if (Math.abs(ratio) < 0.0005) return '±0%';
  const digits = Math.abs(ratio) >= 10 ? `${(1 + ratio).toFixed(0)}×` : (Math.abs(ratio) * 100).toFixed(Math.abs(ratio) >= 1 ? 0 : 1) + '%';
  return (ratio > 0 ? '+' : '−') + digits;
}
