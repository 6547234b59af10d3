import { h, useCallback, useEffect, useMemo, useRef, useState } from '../vendor/preact.js';
import { ApiError, api } from './api';
import { Entities, palette } from './colors';
import { FilterChip } from './filters';
import { Icon } from './icons';
import { Message, Popover } from './ui';
import { Widget } from './widget';
import { filtersOf, readChoices, writeChoices } from './choices';
import { go, useAddress } from './route';
import type { Choices } from './choices';
import type { Memory } from './colors';
import type { Dashboard, Data, Item, Page, Selection } from './types';

const intervals: [string, number][] = [['Off', 0], ['10 s', 10], ['30 s', 30], ['1 min', 60], ['5 min', 300]];

export function DashboardPage({ id, page }: { id: string; page?: string }) {
  const [board, setBoard] = useState<Dashboard | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    setBoard(null);
    setError(null);
    api.show(id).then(setBoard, setError);
  }, [id]);
  useEffect(() => {
    document.title = (board ? board.name + ' – ' : '') + 'lakegate';
  }, [board]);
  if (error) {
    return (
      <main class="page">
        <Message kind="error" icon="warn" title={error.status === 404 ? 'There is no such dashboard' : 'The dashboard could not be opened'}>
          {error.message} <a href="/ui/">All dashboards</a>
        </Message>
      </main>
    );
  }
  if (!board) return <main class="page"><div class="page-wait" /></main>;
  return <Board board={board} page={page} />;
}

function Board({ board, page }: { board: Dashboard; page?: string }) {
  const pages = board.views ?? [];
  const tabs = pages.filter((p) => !p.global);
  const current = tabs.find((p) => p.name === page) ?? tabs[0];
  const address = useAddress();
  const filters = useMemo(() => filtersOf(pages), [board]);
  const choices = useMemo(() => readChoices(address.search, filters), [address.search, filters]);
  const colors = useMemo(() => new Entities(board.colors?.length ? board.colors : palette, remember(board.id)), [board]);
  const [tick, setTick] = useState(0);
  const refresh = useCallback(() => setTick((n: number) => n + 1), []);
  const fresh = useFreshness(current?.name ?? '');
  const choose = useCallback((id: string, s: Selection | null) => {
    const next = { ...readChoices(location.search, filters) };
    if (s) next[id] = s;
    else delete next[id];
    go(location.pathname + writeChoices(next), true);
  }, [filters]);
  useKeys(refresh);
  const tabBar = useRef<HTMLElement>(null);
  useEffect(() => {
    const [bar, tab] = [tabBar.current, tabBar.current?.querySelector<HTMLElement>('[aria-current]')];
    if (bar && tab) bar.scrollLeft = Math.max(0, tab.offsetLeft + tab.offsetWidth - bar.offsetLeft - bar.clientWidth + 24);
  }, [current?.name]);
  const bar = pages.filter((p) => p.global).flatMap((p) => p.items.filter((i) => i.filter));
  return (
    <main class="page">
      <div class="board-head">
        <div class="board-title">
          <h1>{board.name}</h1>
          {board.bundled && <span class="tag">bundled</span>}
        </div>
        <div class="board-tools">
          <span class={'as-of' + (fresh.loading ? ' loading' : '')} aria-live="off">{fresh.text}</span>
          <Refresh refresh={refresh} />
          <a class="button" href={api.exportAddress(board.id)} download title="Download the dashboard as the .lvdash.json file it came as"><Icon name="download" /><span class="wide-only">Export</span></a>
        </div>
      </div>
      {tabs.length > 1 && (
        <nav class="tabs" aria-label="Pages" ref={tabBar}>
          {tabs.map((p) => (
            <a key={p.name} href={`/ui/d/${encodeURIComponent(board.id)}/${encodeURIComponent(p.name)}${address.search}`} aria-current={p === current ? 'page' : undefined}>{p.title}</a>
          ))}
        </nav>
      )}
      {bar.length > 0 && (
        <div class="filter-bar" role="group" aria-label="Filters">
          {bar.map((i) => <FilterChip key={i.id} dashboard={board.id} item={i} choices={choices} tick={tick} choose={choose} />)}
          {Object.keys(choices).length > 0 && <button type="button" class="link-button" onClick={() => go(location.pathname, true)}>Reset</button>}
        </div>
      )}
      {current ? <Grid key={current.name} board={board} page={current} choices={choices} tick={tick} colors={colors} choose={choose} loaded={fresh.loaded} /> : <Message title="This dashboard has no pages" />}
    </main>
  );
}

function Grid(p: { board: Dashboard; page: Page; choices: Choices; tick: number; colors: Entities; choose: (id: string, s: Selection | null) => void; loaded: (id: string, d: Data | undefined, e: ApiError | undefined, loading: boolean) => void }) {
  const items = useMemo(() => [...p.page.items].sort((a, b) => a.y - b.y || a.x - b.x), [p.page]);
  if (items.length === 0) return <Message title="This page is empty" />;
  return (
    <div class="grid">
      {items.map((i: Item) => (
        <div key={i.id} class={'cell ' + kind(i)} style={{ '--x': i.x + 1, '--y': i.y + 1, '--w': i.w, '--h': i.h } as any}>
          <Widget dashboard={p.board.id} item={i} choices={p.choices} tick={p.tick} colors={p.colors} choose={p.choose} loaded={p.loaded} />
        </div>
      ))}
    </div>
  );
}

/** Keeps the colours of a dashboard's values in this browser. */
function remember(id: string): Memory {
  const key = 'lakegate.colors.' + id;
  return {
    read() {
      try {
        return JSON.parse(localStorage.getItem(key) ?? '{}');
      } catch {
        return {};
      }
    },
    write: (value) => localStorage.setItem(key, JSON.stringify(value)),
  };
}

const kind = (i: Item) => (i.counter ? 'k-counter' : i.text ? 'k-text' : i.filter ? 'k-filter' : i.table || i.pivot ? 'k-table' : i.empty ? 'k-empty' : 'k-chart');

/** Says how old the oldest number on the page is. */
function useFreshness(page: string) {
  const seen = useRef(new Map<string, { at: number; loading: boolean }>());
  const [text, setText] = useState({ text: '', loading: true });
  useEffect(() => {
    seen.current.clear();
  }, [page]);
  const loaded = useCallback((id: string, data: Data | undefined, _error: ApiError | undefined, loading: boolean) => {
    seen.current.set(id, { at: data ? Date.parse(data.as_of) : NaN, loading });
    const all = [...seen.current.values()];
    const times = all.map((x) => x.at).filter((t) => !Number.isNaN(t));
    const at = times.length ? new Date(Math.min(...times)).toISOString().slice(11, 19) : '';
    setText({ text: at ? `Data as of ${at} UTC` : '', loading: all.some((x) => x.loading) });
  }, []);
  return { ...text, loaded };
}

function Refresh({ refresh }: { refresh: () => void }) {
  const [every, setEvery] = useState(() => Number(localStorage.getItem('lakegate.refresh') ?? 60));
  useEffect(() => {
    if (!every) return;
    let due = false;
    const now = () => {
      // Not while the page can't be seen, nor while its reader selects text.
      if (document.hidden || String(getSelection() ?? '') !== '') due = true;
      else refresh();
    };
    const back = () => {
      if (!document.hidden && due) {
        due = false;
        refresh();
      }
    };
    const timer = setInterval(now, every * 1000);
    document.addEventListener('visibilitychange', back);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', back);
    };
  }, [every, refresh]);
  const label = intervals.find(([, s]) => s === every)?.[0] ?? 'Off';
  return (
    <div class="button-group">
      <button type="button" class="button" onClick={refresh} title="Refresh now (r)" aria-label="Refresh now"><Icon name="refresh" /></button>
      <Popover name={'Refresh automatically: ' + label} class="button" align="right" label={[<span>{label}</span>, <Icon name="down" />]}>
        {(close) => (
          <div class="menu" role="menu">
            {intervals.map(([name, seconds]) => (
              <button key={name} type="button" role="menuitemradio" aria-checked={seconds === every} class="menu-item" onClick={() => {
                setEvery(seconds);
                localStorage.setItem('lakegate.refresh', String(seconds));
                close();
              }}><span class="dot">{seconds === every && <Icon name="check" />}</span>{name}</button>
            ))}
          </div>
        )}
      </Popover>
    </div>
  );
}

function useKeys(refresh: () => void) {
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      const typing = (e.target as HTMLElement).closest?.('input, textarea, select, [contenteditable]');
      if (!typing && !e.ctrlKey && !e.metaKey && !e.altKey && e.key === 'r') refresh();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [refresh]);
}
