import type { Dashboard, DashboardMeta, Data, Me, Report, Selection } from './types';

/** What the server says went wrong, in words for the viewer. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

let signedOut = () => {};

/** Says what to do when the session has ended. */
export const onSignedOut = (act: () => void) => void (signedOut = act);

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch('/ui/api' + path, {
      method,
      signal,
      credentials: 'same-origin',
      headers: { 'X-Lakegate-Console': '1', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new ApiError(0, 'OFFLINE', 'lakegate cannot be reached. Is it running?');
  }
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  let value: any;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ApiError(response.status, 'BAD_ANSWER', `The server answered ${response.status} with something that is not JSON.`);
  }
  if (response.status === 401 && path !== '/session') signedOut();
  if (!response.ok) {
    throw new ApiError(response.status, value.error_code ?? 'ERROR', value.message ?? `The server answered ${response.status}.`);
  }
  return value as T;
}

const at = (id: string) => '/dashboards/' + encodeURIComponent(id);

export const api = {
  me: () => call<Me | null>('GET', '/session'),
  signIn: (body: { key?: string; link?: string }) => call<Me>('POST', '/session', body),
  signOut: () => call<void>('DELETE', '/session'),
  list: () => call<{ dashboards: DashboardMeta[] }>('GET', '/dashboards'),
  show: (id: string) => call<Dashboard>('GET', at(id)),
  trash: (id: string) => call<void>('DELETE', at(id)),
  check: (file: string, values: Record<string, string>) => call<Report>('POST', '/check', { file, values }),
  import: (name: string, file: string, values: Record<string, string>) =>
    call<{ id: string }>('POST', '/dashboards', { name, file, values }),
  exportAddress: (id: string) => '/ui/api' + at(id) + '/export',
  query: (id: string, widget: string, filters: Record<string, Selection>, signal: AbortSignal) =>
    pool(() => call<Data>('POST', at(id) + '/query', { widget, filters }, signal), signal),
};

// At most so many widget queries run at once, so that a big page does not flood the server.
const most = 4;
let running = 0;
const waiting: (() => void)[] = [];

async function pool<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  if (running >= most) await new Promise<void>((go) => waiting.push(go));
  else running++;
  try {
    signal.throwIfAborted();
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}
