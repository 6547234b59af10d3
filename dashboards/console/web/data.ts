import { useEffect, useState } from '../vendor/preact.js';
import { ApiError, api } from './api';
import type { Choices } from './choices';
import type { Data } from './types';

export interface State {
  data?: Data;
  error?: ApiError;
  /** Asked again, what is shown is from before. */
  loading: boolean;
}

// What a widget showed last, so that coming back to a page shows it at once while it is asked again.
const remembered = new Map<string, Data>();
const flights = new Map<string, { promise: Promise<Data>; abort: AbortController; users: number }>();

/** Forgets all rows: somebody else may sign in. */
export const forget = () => remembered.clear();

function share(key: string, start: (signal: AbortSignal) => Promise<Data>) {
  let f = flights.get(key);
  if (!f) {
    const abort = new AbortController();
    const flight = { promise: start(abort.signal).finally(() => flights.get(key) === flight && flights.delete(key)), abort, users: 0 };
    flights.set(key, (f = flight));
  }
  const flight = f;
  flight.users++;
  const leave = () => {
    if (--flight.users > 0) return;
    flight.abort.abort();
    if (flights.get(key) === flight) flights.delete(key);
  };
  return { promise: flight.promise, leave };
}

/** Asks for a widget's rows, again whenever a filter or the tick changes. The old rows stay meanwhile. */
export function useData(dashboard: string, widget: string, choices: Choices, tick: number): State {
  const question = JSON.stringify([dashboard, widget, choices]);
  const [state, setState] = useState<State & { question?: string }>(() => ({ data: remembered.get(question), loading: true }));
  useEffect(() => {
    let over = false;
    setState((old) => ({ ...old, data: remembered.get(question) ?? old.data, error: undefined, loading: true }));
    const { promise, leave } = share(question, (signal) => api.query(dashboard, widget, choices, signal));
    promise.then(
      (data) => {
        if (remembered.size > 300) remembered.clear();
        remembered.set(question, data);
        if (!over) setState({ data, loading: false });
      },
      (err) => {
        if (!over) setState({ error: err instanceof ApiError ? err : new ApiError(0, 'ERROR', String(err?.message ?? err)), loading: false });
      },
    );
    return () => {
      over = true;
      leave();
    };
  }, [question, tick]);
  return state;
}
