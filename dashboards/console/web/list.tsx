import { h, useEffect, useRef, useState } from '../vendor/preact.js';
import { ApiError, api } from './api';
import { Icon } from './icons';
import { showTime } from './format';
import { go } from './route';
import { Dialog, IconButton, Message } from './ui';
import type { DashboardMeta, Report } from './types';

interface Picked {
  name: string;
  text: string;
}

export function ListPage() {
  const [list, setList] = useState<DashboardMeta[] | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [picked, setPicked] = useState<Picked | null>(null);
  const [drag, setDrag] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const load = () => api.list().then((r) => setList(r.dashboards), setError);
  useEffect(() => {
    document.title = 'Dashboards – lakegate';
    load();
  }, []);
  const take = async (file: File | undefined) => {
    if (file) setPicked({ name: file.name.replace(/(\.lvdash)?\.json$/i, ''), text: await file.text() });
  };
  return (
    <main class={'page list-page' + (drag ? ' dragging' : '')}
      onDragOver={(e: DragEvent) => (e.preventDefault(), setDrag(true))}
      onDragLeave={(e: DragEvent) => e.currentTarget === e.target && setDrag(false)}
      onDrop={(e: DragEvent) => (e.preventDefault(), setDrag(false), take(e.dataTransfer?.files[0]))}>
      <div class="board-head">
        <div class="board-title"><h1>Dashboards</h1></div>
        <div class="board-tools">
          <button type="button" class="button primary" onClick={() => input.current?.click()}><Icon name="upload" />Import</button>
          <input ref={input} type="file" accept=".json,application/json" hidden onChange={(e: any) => (take(e.currentTarget.files[0]), (e.currentTarget.value = ''))} />
        </div>
      </div>
      {error && <Message kind="error" icon="warn" title="The dashboards could not be listed">{error.message}</Message>}
      <div class="boards">
        {(list ?? []).map((d) => <BoardCard key={d.id} d={d} changed={load} />)}
        <button type="button" class="board-card drop" onClick={() => input.current?.click()}>
          <Icon name="file" />
          <span class="drop-title">Drop a .lvdash.json file here</span>
          <span class="muted">Dashboards made in Databricks work as they are.</span>
        </button>
      </div>
      {picked && <ImportDialog picked={picked} close={() => setPicked(null)} />}
    </main>
  );
}

function BoardCard({ d, changed }: { d: DashboardMeta; changed: () => void }) {
  const [asking, setAsking] = useState(false);
  return (
    <div class="board-card">
      <a class="board-link" href={'/ui/d/' + encodeURIComponent(d.id)}>
        <span class="board-glyph"><Icon name="chart" /></span>
        <span class="board-name">{d.name}</span>
        <span class="board-meta">{d.broken ? 'can’t be read' : `${d.pages} ${d.pages === 1 ? 'page' : 'pages'}, ${d.widgets} widgets`}</span>
        <span class="board-meta">{d.bundled ? 'Comes with lakegate' : `${d.createdBy}, ${d.updated ? showTime(d.updated, { kind: 'date' }, 'DATE') : ''}`}</span>
      </a>
      {d.mine && <IconButton icon="trash" name={`Move ${d.name} to the trash`} class="board-trash" onClick={() => setAsking(true)} />}
      {asking && (
        <Dialog title="Move to the trash?" onClose={() => setAsking(false)}>
          <p>“{d.name}” will no longer be listed. Tools can still read it by its id.</p>
          <div class="dialog-foot">
            <button type="button" class="button danger" onClick={() => api.trash(d.id).then(() => (setAsking(false), changed()))}>Move to the trash</button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

/** Says what a file is made of and what becomes of it, before it is saved. */
function ImportDialog({ picked, close }: { picked: Picked; close: () => void }) {
  const [name, setName] = useState(picked.name);
  const [values, setValues] = useState<Record<string, string>>({});
  const [report, setReport] = useState<Report | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    api.check(picked.text, {}).then(setReport, setError);
  }, [picked]);
  const holes = report?.placeholders ?? [];
  const save = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    try {
      const { id } = await api.import(name, picked.text, values);
      go('/ui/d/' + id);
    } catch (err) {
      setError(err as ApiError);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Import a dashboard" onClose={close}>
      {error && <Message kind="error" icon="warn" title="This file can’t be imported">{error.message}</Message>}
      {!report && !error && <p class="muted">Reading the file…</p>}
      {report && (
        <form class="import" onSubmit={save}>
          <label>Name<input type="text" required maxLength={255} value={name} onInput={(e: any) => setName(e.currentTarget.value)} /></label>
          <Summary report={report} />
          {holes.map((x) => (
            <label key={x}>Value of the placeholder {'{' + x + '}'}<input type="text" required value={values[x] ?? ''} onInput={(e: any) => setValues({ ...values, [x]: e.currentTarget.value })} /></label>
          ))}
          <div class="dialog-foot">
            <button type="button" class="button" onClick={close}>Cancel</button>
            <button type="submit" class="button primary" disabled={busy}>Import</button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

function Summary({ report }: { report: Report }) {
  const widgets = report.widgets ?? [];
  const of = (state: string) => widgets.filter((w) => w.state === state);
  const trouble = [...of('broken'), ...of('table')];
  return (
    <div class="import-report">
      <ul class="facts">
        <li><b>{report.pages}</b> {report.pages === 1 ? 'page' : 'pages'}</li>
        <li><b>{of('drawn').length}</b> widgets drawn</li>
        {of('table').length > 0 && <li><b>{of('table').length}</b> shown as a table</li>}
        {of('broken').length > 0 && <li class="bad"><b>{of('broken').length}</b> broken</li>}
      </ul>
      {report.tables.length > 0 && <p class="muted">Reads {report.tables.join(', ')}</p>}
      {trouble.length > 0 && (
        <ul class="troubles">
          {trouble.slice(0, 50).map((w) => <li key={w.place}><b>{w.page} / {w.widget}</b> {w.detail} <span class="muted">{w.place}</span></li>)}
        </ul>
      )}
      {report.notes.map((n) => <p key={n} class="muted">{n}</p>)}
    </div>
  );
}
