import { Component, h, useEffect, useState } from '../vendor/preact.js';
import type { ComponentChildren } from '../vendor/preact.js';
import { ApiError } from './api';
import { ChartView } from './chart';
import { CounterView } from './counter';
import { FilterChip } from './filters';
import { Icon } from './icons';
import { PivotView } from './pivot';
import { TableView, csv } from './table';
import { Text } from './text';
import { Dialog, IconButton, Message, Popover, save } from './ui';
import { useData } from './data';
import type { Choices } from './choices';
import type { Entities } from './colors';
import type { Data, Item, Selection, Table } from './types';

export interface WidgetProps {
  dashboard: string;
  item: Item;
  choices: Choices;
  tick: number;
  colors: Entities;
  choose: (id: string, s: Selection | null) => void;
  loaded: (id: string, data: Data | undefined, error: ApiError | undefined, loading: boolean) => void;
}

/** One tile. Whatever goes wrong inside it stays inside it. */
export function Widget(p: WidgetProps) {
  const { item } = p;
  if (item.empty) return <div class="tile blank" data-widget={item.id} data-state="static" />;
  if (item.text) return <div class="tile words" data-widget={item.id} data-state="static"><Text blocks={item.text.blocks} /></div>;
  if (item.filter) return <div class="tile filter" data-widget={item.id} data-state="static"><FilterChip {...p} block /></div>;
  if (item.broken) {
    return (
      <Tile item={item} state="broken"><Message kind="error" icon="warn" title="This widget can’t be drawn">{item.broken.message}</Message></Tile>
    );
  }
  return <Live {...p} />;
}

function Tile(p: { item: Item; state: string; tools?: ComponentChildren; faded?: boolean; children: ComponentChildren }) {
  const { item } = p;
  const title = item.title ?? '';
  return (
    <section class={'tile card' + (item.counter ? ' small' : '') + (p.faded ? ' faded' : '')} data-widget={item.id} data-state={p.state} aria-label={title || undefined} aria-busy={p.state === 'loading'}>
      <header class={'card-head' + (item.center ? ' center' : '')}>
        <div class="card-titles">
          {title && <h3 title={title}>{title}</h3>}
          {item.description && <p title={item.description}>{item.description}</p>}
          {item.badge && <span class="badge">{item.badge}</span>}
        </div>
        <div class="card-tools">{p.tools}</div>
      </header>
      <div class="card-body">{p.children}</div>
    </section>
  );
}

function Live(p: WidgetProps) {
  const { item } = p;
  const { data, error, loading } = useData(p.dashboard, item.id, p.choices, p.tick);
  const [asTable, setAsTable] = useState(false);
  const [dialog, setDialog] = useState<'' | 'sql' | 'big'>('');
  const [faded, setFaded] = useState(false);
  useEffect(() => p.loaded(item.id, data, error, loading), [data, error, loading]);
  useEffect(() => {
    if (!loading || !data) return setFaded(false);
    const timer = setTimeout(() => setFaded(true), 800);
    return () => clearTimeout(timer);
  }, [loading, data]);
  const drawn = !!(item.chart || item.counter || item.pivot);
  const state = error ? 'error' : !data ? 'loading' : data.rows.length === 0 || blank(item, data) ? 'empty' : 'ready';
  const tools = (
    <div class="tools">
      {drawn && data && !item.counter && <IconButton icon={asTable ? 'chart' : 'table'} name={asTable ? 'View as chart' : 'View as table'} active={asTable} onClick={() => setAsTable(!asTable)} />}
      <Popover name={'More about ' + (item.title ?? 'this widget')} class="icon-button" align="right" label={<Icon name="more" />}>
        {(close) => (
          <div class="menu" role="menu">
            {drawn && <MenuItem icon={asTable ? 'chart' : 'table'} text={asTable ? 'View as chart' : 'View as table'} act={() => (setAsTable(!asTable), close())} />}
            <MenuItem icon="search" text="Enlarge" act={() => (close(), setDialog('big'))} />
            {data && <MenuItem icon="download" text="Download CSV" act={() => (save((item.title || item.id) + '.csv', 'text/csv', csv(data)), close())} />}
            {data && <MenuItem icon="code" text="Show SQL" act={() => (close(), setDialog('sql'))} />}
          </div>
        )}
      </Popover>
    </div>
  );
  return (
    <Tile item={item} state={state} tools={tools} faded={faded}>
      {error && !data ? <Failure error={error} /> : !data ? <Skeleton item={item} /> : state === 'empty' && !item.counter
        ? <Message title="No data">{Object.keys(p.choices).length ? 'Nothing matches these filters.' : 'There is nothing to show for this period.'}</Message>
        : <Guard key={data.as_of + asTable}><Body item={item} data={data} asTable={asTable} colors={p.colors} room={room(item)} /></Guard>}
      {data?.truncated && <div class="truncated">Only the first {data.rows.length.toLocaleString('en')} rows are shown.</div>}
      {dialog === 'sql' && data && <SqlDialog data={data} title={item.title || item.id} close={() => setDialog('')} />}
      {dialog === 'big' && (
        <Dialog title={item.title || item.id} wide onClose={() => setDialog('')}>
          <div class="enlarged">{data ? <Guard><Body item={item} data={data} asTable={asTable} colors={p.colors} room={30} /></Guard> : <Skeleton item={item} />}</div>
        </Dialog>
      )}
    </Tile>
  );
}

/** A counter whose only value is NULL has no data. */
function blank(item: Item, data: Data): boolean {
  if (!item.counter) return false;
  const at = data.columns.findIndex((c) => c.name === item.counter!.value.name);
  return at >= 0 && data.rows.every((r) => r[at] === null);
}

/** How many bars fit below each other in the height of the tile. */
const room = (item: Item) => Math.max(3, Math.floor((item.h * 59 - 125 - (item.description ? 16 : 0)) / 20));

function Body({ item, data, asTable, colors, room }: { item: Item; data: Data; asTable: boolean; colors: Entities; room: number }) {
  if (asTable) return <TableView table={columnsBehind(item, data)} data={data} colors={colors} />;
  if (item.counter) return <CounterView counter={item.counter} data={data} colors={colors} />;
  if (item.chart) return <ChartView chart={item.chart} data={data} colors={colors} name={item.title ?? ''} room={room} />;
  if (item.pivot) return <PivotView pivot={item.pivot} data={data} />;
  return <TableView table={item.table ?? null} data={data} colors={colors} />;
}

/** The columns of the plain table behind a chart, called as the chart calls them. */
function columnsBehind(item: Item, data: Data): Table {
  const c = item.chart;
  const p = item.pivot;
  const fields = [...(c?.x?.fields ?? []), ...(c?.y?.fields ?? []), ...(c?.y2?.fields ?? []), c?.angle, c?.size, c?.color?.field, ...(c?.extra ?? []), ...(p?.rows ?? []), ...(p?.columns ?? []), ...(p?.cells ?? [])];
  const known = new Map(fields.filter((f) => !!f).map((f) => [f!.name, f!]));
  const shown = data.columns.filter((x) => !x.name.startsWith('lg_total_'));
  return { columns: shown.map((x) => known.get(x.name) ?? { name: x.name, label: x.name }) };
}

function MenuItem(p: { icon: string; text: string; act: () => void }) {
  return <button type="button" role="menuitem" class="menu-item" onClick={p.act}><Icon name={p.icon} />{p.text}</button>;
}

function Failure({ error }: { error: ApiError }) {
  return (
    <Message kind="error" icon="warn" title={error.status === 0 ? 'No connection' : 'This widget failed'}>{error.message}
      {error.code !== 'OFFLINE' && <span class="muted"> ({error.code})</span>}
    </Message>
  );
}

function Skeleton({ item }: { item: Item }) {
  if (item.counter) return <div class="skeleton"><i class="bone wide" /><i class="bone" /></div>;
  if (item.table || item.pivot) return <div class="skeleton rows">{Array.from({ length: 6 }, (_, i) => <i key={i} class="bone line" />)}</div>;
  return <div class="skeleton plot">{[40, 65, 50, 80, 60, 90, 70, 55, 75, 62].map((v, i) => <i key={i} class="bone bar" style={{ height: v + '%' }} />)}</div>;
}

function SqlDialog({ data, title, close }: { data: Data; title: string; close: () => void }) {
  return (
    <Dialog title={title} wide onClose={close}>
      <p class="muted">{data.rows.length.toLocaleString('en')} rows in {data.elapsed_ms} ms</p>
      <pre class="sql">{data.sql}</pre>
      {data.params?.length ? (
        <table class="table params"><tbody>{data.params.map((x) => <tr key={x.Name}><th class="left">:{x.Name}</th><td class="left">{x.Value}</td><td class="left muted">{x.Type}</td></tr>)}</tbody></table>
      ) : null}
      <button type="button" class="button" onClick={() => navigator.clipboard?.writeText(data.sql)}>Copy</button>
    </Dialog>
  );
}

/** Catches what drawing throws, so that one bad widget leaves the page alone. */
class Guard extends Component<{ children: ComponentChildren }, { error?: Error }> {
  state: { error?: Error } = {};
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  componentDidCatch() {}
  render() {
    if (this.state.error) return <Message kind="error" icon="warn" title="This widget can’t be drawn">{this.state.error.message}</Message>;
    return this.props.children;
  }
}
