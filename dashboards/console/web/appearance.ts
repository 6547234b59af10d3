import { useEffect, useState } from '../vendor/preact.js';
import type { Look } from './draw';

const listeners = new Set<() => void>();

export const isDark = () => document.documentElement.dataset.theme === 'dark';

export function toggleTheme() {
  const next = isDark() ? 'light' : 'dark';
  localStorage.setItem('lakegate.theme', next);
  apply(next);
}

function apply(theme: string) {
  document.documentElement.dataset.theme = theme;
  listeners.forEach((l) => l());
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (e) => {
  if (!localStorage.getItem('lakegate.theme')) apply(e.matches ? 'dark' : 'light');
});

function look(): Look {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return { text: read('--text'), muted: read('--muted'), grid: read('--grid'), surface: read('--surface'), dark: isDark() };
}

/** The colours charts draw with; changes with the theme. */
export function useTheme(): Look {
  const [value, set] = useState(look);
  useEffect(() => {
    const update = () => set(look());
    listeners.add(update);
    return () => void listeners.delete(update);
  }, []);
  return value;
}

export function useDark(): boolean {
  const [value, set] = useState(isDark);
  useEffect(() => {
    const update = () => set(isDark());
    listeners.add(update);
    return () => void listeners.delete(update);
  }, []);
  return value;
}
