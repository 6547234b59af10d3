import { useEffect, useState } from '../vendor/preact.js';

export interface Address {
  path: string;
  search: string;
}

const here = (): Address => ({ path: location.pathname, search: location.search });
const listeners = new Set<() => void>();

/** Moves to another address of the console without loading the page anew. */
export function go(to: string, keepScroll = false) {
  if (to !== location.pathname + location.search) history.pushState(null, '', to);
  if (!keepScroll) scrollTo(0, 0);
  listeners.forEach((l) => l());
}

export function useAddress(): Address {
  const [address, set] = useState(here);
  useEffect(() => {
    const update = () => set(here());
    listeners.add(update);
    addEventListener('popstate', update);
    update();
    return () => {
      listeners.delete(update);
      removeEventListener('popstate', update);
    };
  }, []);
  return address;
}

/** Lets plain links within the console move without loading the page anew. */
export function catchLinks() {
  document.addEventListener('click', (e) => {
    const a = (e.target as HTMLElement).closest?.('a');
    if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    if (a.target || a.hasAttribute('download') || a.origin !== location.origin || !a.pathname.startsWith('/ui/') || a.pathname.startsWith('/ui/api/')) return;
    e.preventDefault();
    const sameBoard = a.pathname.split('/')[3] === location.pathname.split('/')[3];
    go(a.pathname + a.search, sameBoard && scrollY < 140);
  });
}
