// What the viewer chose lives in the address, so that a link shows the same and Back works:
// ?f.<filter>=value&f.<filter>=other, ranges as min..max, NULL as ~null, everything as ~all.

import { months, showTime } from './format';
import type { Cell, Filter, Item, Page, Selection } from './types';

export type Choices = Record<string, Selection>;

const isRange = (f: Filter) => f.kind === 'date-range' || f.kind === 'number-range';

export function filtersOf(pages: Page[]): Item[] {
  return pages.flatMap((p) => p.items.filter((i) => i.filter));
}

export function readChoices(search: string, filters: Item[]): Choices {
  const query = new URLSearchParams(search);
  const out: Choices = {};
  for (const item of filters) {
    const all = query.getAll('f.' + item.id);
    if (all.length === 0) continue;
    const f = item.filter!;
    if (all[0] === '~all') out[item.id] = { all: true };
    else if (isRange(f)) {
      const [min, max] = all[0]!.split('..');
      out[item.id] = { min: min || undefined, max: max || undefined };
    } else if (f.kind === 'text') out[item.id] = { text: all[0]! };
    else out[item.id] = { values: all.map((v): Cell => (v === '~null' ? null : v.startsWith('~~') ? v.slice(1) : v)) };
  }
  return out;
}

export function writeChoices(choices: Choices): string {
  const query = new URLSearchParams();
  for (const [id, s] of Object.entries(choices)) {
    if (s.all) query.append('f.' + id, '~all');
    else if (s.text) query.append('f.' + id, s.text);
    else if (s.values) s.values.forEach((v) => query.append('f.' + id, v === null ? '~null' : v.startsWith('~') ? '~' + v : v));
    else if (s.min || s.max) query.append('f.' + id, `${s.min ?? ''}..${s.max ?? ''}`);
  }
  const text = query.toString();
  return text ? '?' + text : '';
}

export const same = (a: Selection | null | undefined, b: Selection | null | undefined) => canonical(a) === canonical(b);

function canonical(s: Selection | null | undefined): string {
  return JSON.stringify([[...(s?.values ?? [])].sort(), s?.min ?? '', s?.max ?? '', s?.text ?? '', !!s?.all]);
}

export interface Preset {
  name: string;
  min: string;
  max: string;
}

/** Ranges people ask for most; relative, so that a link means the same tomorrow. */
export function presets(type: string): Preset[] {
  const days: Preset[] = [
    { name: 'Today', min: 'now/d', max: 'now/d' },
    { name: 'Yesterday', min: 'now-1d/d', max: 'now-1d/d' },
    { name: 'Last 7 days', min: 'now-6d/d', max: 'now/d' },
    { name: 'Last 14 days', min: 'now-13d/d', max: 'now/d' },
    { name: 'Last 30 days', min: 'now-29d/d', max: 'now/d' },
    { name: 'Last 90 days', min: 'now-89d/d', max: 'now/d' },
    { name: 'This month', min: 'now/M', max: 'now/d' },
    { name: 'Last month', min: 'now-1M/M', max: 'now-1M/M' },
  ];
  if (type !== 'DATETIME') return days;
  return [
    { name: 'Last 15 minutes', min: 'now-15m', max: 'now' },
    { name: 'Last hour', min: 'now-1h', max: 'now' },
    { name: 'Last 24 hours', min: 'now-24h', max: 'now' },
    ...days,
  ];
}

/** The day that a relative date such as now-6d/d is now, "" where it isn't a day. */
export function dayOf(s: string | undefined, end: boolean, now = new Date()): string {
  if (!s) return '';
  if (/^\d{4}-/.test(s)) return s;
  const m = /^now(?:-(\d+)([dM]))?\/([dM])$/.exec(s);
  if (!m) return '';
  const [, n = '0', unit, floor] = m;
  let t = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (unit === 'M' ? +n : 0), unit === 'M' ? 1 : now.getUTCDate() - +n);
  if (floor === 'M') t = Date.UTC(new Date(t).getUTCFullYear(), new Date(t).getUTCMonth() + (end ? 1 : 0), end ? 0 : 1);
  return new Date(t).toISOString().slice(0, 10);
}

/** The selection in a few words. */
export function summary(f: Filter, s: Selection | null | undefined): string {
  if (!s || s.all) return 'All';
  if (isRange(f)) {
    if (!s.min && !s.max) return 'All';
    const known = presets(f.type).find((p) => p.min === s.min && p.max === s.max);
    if (known) return known.name;
    if (f.kind === 'number-range') return s.min && s.max ? `${s.min} to ${s.max}` : s.min ? `from ${s.min}` : `up to ${s.max}`;
    return s.min && s.max ? span(s.min, s.max) : s.min ? `since ${date(s.min)}` : `until ${date(s.max!)}`;
  }
  if (f.kind === 'text') return s.text ? `“${s.text}”` : 'All';
  const list = s.values ?? [];
  if (list.length === 0) return 'All';
  const words = list.map((v) => (v === null ? '(none)' : f.kind === 'date' ? date(v) : v || '(empty)'));
  return (f.exclude ? 'not ' : '') + (words.length <= 2 ? words.join(', ') : `${words[0]} +${words.length - 1}`);
}

function span(min: string, max: string): string {
  const [a, b] = [/^(\d{4})-(\d\d)-(\d\d)/.exec(min), /^(\d{4})-(\d\d)-(\d\d)/.exec(max)];
  if (!a || !b) return `${date(min)} – ${date(max)}`;
  const day = (m: RegExpExecArray, year: boolean) => `${+m[3]!} ${months[+m[2]! - 1]}${year ? ' ' + m[1] : ''}`;
  return min === max ? day(a, true) : `${day(a, a[1] !== b[1])} – ${day(b, true)}`;
}

function date(s: string): string {
  return /^\d{4}-/.test(s) ? showTime(s, { kind: 'date' }, 'DATE') : s;
}
