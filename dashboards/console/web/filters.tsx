import { h, useEffect, useMemo, useRef, useState } from '../vendor/preact.js';
import { Icon } from './icons';
import { Popover } from './ui';
import { dayOf, presets, same, summary } from './choices';
import { useData } from './data';
import type { Choices } from './choices';
import type { Cell, Filter, Item, Selection } from './types';

interface Props {
  dashboard: string;
  item: Item;
  choices: Choices;
  tick: number;
  choose: (id: string, s: Selection | null) => void;
}

/** One filter as a chip that says what is chosen and opens the choice. */
export function FilterChip(p: Props & { block?: boolean }) {
  const f = p.item.filter!;
  const chosen = p.choices[p.item.id];
  const current = chosen ?? f.default;
  const changed = !!chosen && !same(chosen, f.default);
  const title = p.item.title || p.item.id;
  const icon = f.kind === 'date' || f.kind === 'date-range' ? 'calendar' : undefined;
  return (
    <Popover
      name={`${title}: ${summary(f, current)}`}
      class={'chip' + (changed ? ' changed' : '') + (p.block ? ' block' : '')}
      label={[icon && <Icon name={icon} />, <span class="chip-name">{title}</span>, <span class="chip-value">{summary(f, current)}</span>, <Icon name="down" />]}
    >
      {(close) => <Choice {...p} current={current} close={close} set={(s) => p.choose(p.item.id, s && same(s, f.default) ? null : s)} />}
    </Popover>
  );
}

type ChoiceProps = Props & { current: Selection | null; close: () => void; set: (s: Selection | null) => void };

function Choice(p: ChoiceProps) {
  switch (p.item.filter!.kind) {
    case 'date-range': return <RangeChoice {...p} />;
    case 'date': return <DayChoice {...p} />;
    case 'number-range': return <NumberChoice {...p} />;
    case 'text': return <TextChoice {...p} />;
    default: return p.item.filter!.options ? <ListChoice {...p} /> : <TypedChoice {...p} />;
  }
}

// Clearing goes back to the file's default; where that is not everything, "All" is said explicitly.
const nothing = (f: Filter): Selection | null => (f.default ? { all: true } : null);

function ListChoice(p: ChoiceProps) {
  const f = p.item.filter!;
  const multi = f.kind === 'multi';
  const [search, setSearch] = useState('');
  const [draft, setDraft] = useState<Cell[]>(p.current?.values ?? []);
  const { data, error } = useData(p.dashboard, p.item.id, p.choices, p.tick);
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const options = useMemo((): { value: Cell; faint: boolean }[] => {
    const at = data?.columns.findIndex((c) => c.name === f.field) ?? -1;
    const passes = data?.columns.findIndex((c) => c.name.endsWith('_associativity')) ?? -1;
    const list: { value: Cell; faint: boolean }[] = data && at >= 0 ? data.rows.map((r) => ({ value: r[at] ?? null, faint: passes >= 0 && r[passes] === '0' })) : [];
    for (const v of draft) if (!list.some((o) => o.value === v)) list.unshift({ value: v, faint: false });
    const ranks = f.sort?.values;
    if (ranks?.length) list.sort((a, b) => (ranks.indexOf(a.value ?? '') + 1 || 1e9) - (ranks.indexOf(b.value ?? '') + 1 || 1e9));
    return list;
  }, [data]);
  const shown = options.filter((o) => (o.value ?? '(none)').toLowerCase().includes(search.toLowerCase())).slice(0, 500);
  const send = (values: Cell[], wait: number) => {
    setDraft(values);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => p.set(values.length ? { values } : nothing(f)), wait);
  };
  const pick = (v: Cell) => {
    if (!multi) {
      p.set({ values: [v] });
      p.close();
      return;
    }
    send(draft.includes(v) ? draft.filter((x) => x !== v) : [...draft, v], 250);
  };
  return (
    <div class="choice">
      {options.length > 7 && (
        <label class="search"><Icon name="search" /><input type="search" placeholder="Search" value={search} onInput={(e: any) => setSearch(e.currentTarget.value)} aria-label="Search the values" /></label>
      )}
      <div class="options" role="listbox" aria-multiselectable={multi}>
        {f.allowAll && (
          <button type="button" role="option" class="option" aria-selected={draft.length === 0} onClick={() => (send([], 0), multi || p.close())}>
            <span class={multi ? 'box' : 'dot'}>{draft.length === 0 && <Icon name="check" />}</span>All
          </button>
        )}
        {shown.map((o) => (
          <button key={String(o.value)} type="button" role="option" class={'option' + (o.faint ? ' faint' : '')} aria-selected={draft.includes(o.value)} onClick={() => pick(o.value)}>
            <span class={multi ? 'box' : 'dot'}>{draft.includes(o.value) && <Icon name="check" />}</span>
            <span class="option-name">{o.value === null ? '(none)' : o.value || '(empty)'}</span>
          </button>
        ))}
        {!data && !error && <div class="option-note">Loading…</div>}
        {error && <div class="option-note error">{error.message}</div>}
        {data && shown.length === 0 && <div class="option-note">Nothing matches.</div>}
        {data?.truncated && <div class="option-note">There are more values than are listed.</div>}
      </div>
    </div>
  );
}

function RangeChoice(p: ChoiceProps) {
  const f = p.item.filter!;
  const kind = f.type === 'DATETIME' ? 'datetime-local' : 'date';
  const days = f.type !== 'DATETIME';
  const absolute = (s: string | undefined) => (s && /^\d{4}-/.test(s) ? s : '');
  const [min, setMin] = useState(days ? dayOf(p.current?.min, false) : absolute(p.current?.min));
  const [max, setMax] = useState(days ? dayOf(p.current?.max, true) : absolute(p.current?.max));
  const wrong = !!min && !!max && min > max;
  const done = (s: Selection | null) => {
    p.set(s);
    p.close();
  };
  return (
    <div class="choice range">
      <div class="options">
        {presets(f.type).map((x) => (
          <button type="button" class="option" aria-selected={p.current?.min === x.min && p.current?.max === x.max} onClick={() => done({ min: x.min, max: x.max })}>
            <span class="dot">{p.current?.min === x.min && p.current?.max === x.max && <Icon name="check" />}</span>{x.name}
          </button>
        ))}
      </div>
      <form class="custom" onSubmit={(e: Event) => (e.preventDefault(), !wrong && (min || max) && done({ min: min || undefined, max: max || undefined }))}>
        <label>From<input type={kind} value={min} max={max || undefined} onInput={(e: any) => setMin(e.currentTarget.value)} /></label>
        <label>To<input type={kind} value={max} min={min || undefined} onInput={(e: any) => setMax(e.currentTarget.value)} /></label>
        {wrong && <div class="option-note error">The end is before the start.</div>}
        <button type="submit" class="button primary" disabled={wrong || (!min && !max)}>Apply</button>
        <div class="option-note">Days are UTC.</div>
      </form>
    </div>
  );
}

function DayChoice(p: ChoiceProps) {
  const f = p.item.filter!;
  const value = p.current?.values?.[0] ?? '';
  return (
    <div class="choice">
      <form class="custom" onSubmit={(e: Event) => (e.preventDefault(), p.close())}>
        <label>Day<input type={f.type === 'DATETIME' ? 'datetime-local' : 'date'} value={/^\d{4}-/.test(value) ? value : ''} onChange={(e: any) => p.set(e.currentTarget.value ? { values: [e.currentTarget.value] } : nothing(f))} /></label>
        {value && !/^\d{4}-/.test(value) && <div class="option-note">Now: {value}</div>}
      </form>
    </div>
  );
}

function NumberChoice(p: ChoiceProps) {
  const f = p.item.filter!;
  const [min, setMin] = useState(p.current?.min ?? '');
  const [max, setMax] = useState(p.current?.max ?? '');
  const { data } = useData(p.dashboard, p.item.id, p.choices, p.tick);
  const [low, high] = [data?.rows[0]?.[0] ?? '', data?.rows[0]?.[1] ?? ''];
  return (
    <div class="choice">
      <form class="custom" onSubmit={(e: Event) => (e.preventDefault(), p.set(min || max ? { min, max } : nothing(f)), p.close())}>
        <label>At least<input type="number" step="any" placeholder={low} value={min} onInput={(e: any) => setMin(e.currentTarget.value)} /></label>
        <label>At most<input type="number" step="any" placeholder={high} value={max} onInput={(e: any) => setMax(e.currentTarget.value)} /></label>
        <button type="submit" class="button primary">Apply</button>
      </form>
    </div>
  );
}

function TextChoice(p: ChoiceProps) {
  const [text, setText] = useState(p.current?.text ?? '');
  return (
    <div class="choice">
      <form class="custom" onSubmit={(e: Event) => (e.preventDefault(), p.set(text ? { text } : nothing(p.item.filter!)), p.close())}>
        <label>Text<input type="text" value={text} onInput={(e: any) => setText(e.currentTarget.value)} /></label>
        <button type="submit" class="button primary">Apply</button>
      </form>
    </div>
  );
}

// A parameter without a list of values is typed.
function TypedChoice(p: ChoiceProps) {
  const f = p.item.filter!;
  const [text, setText] = useState((p.current?.values ?? []).join(', '));
  const values = () => (f.kind === 'multi' ? text.split(',').map((s: string) => s.trim()).filter(Boolean) : [text.trim()].filter(Boolean));
  return (
    <div class="choice">
      <form class="custom" onSubmit={(e: Event) => (e.preventDefault(), p.set(values().length ? { values: values() } : nothing(f)), p.close())}>
        <label>{f.kind === 'multi' ? 'Values, with commas between' : 'Value'}<input type="text" value={text} onInput={(e: any) => setText(e.currentTarget.value)} /></label>
        <button type="submit" class="button primary">Apply</button>
      </form>
    </div>
  );
}
