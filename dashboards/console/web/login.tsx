import { h, useState } from '../vendor/preact.js';
import { ApiError, api } from './api';
import { Logo } from './icons';
import type { Me } from './types';

export function LoginPage({ done, trouble }: { done: (me: Me) => void; trouble: string }) {
  const [key, setKey] = useState('');
  const [error, setError] = useState(trouble);
  const [busy, setBusy] = useState(false);
  const send = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    try {
      done(await api.signIn({ key }));
    } catch (err) {
      setError((err as ApiError).message);
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form class="login-card" onSubmit={send}>
        <div class="brand big"><Logo /><span>lakegate</span></div>
        <p class="muted">Sign in with an API key to see your dashboards. You see what this key may read.</p>
        <label>API key<input type="password" name="key" autocomplete="current-password" required autofocus value={key} onInput={(e: any) => setKey(e.currentTarget.value)} /></label>
        {error && <div class="form-error" role="alert">{error}</div>}
        <button type="submit" class="button primary block" disabled={busy || !key}>Sign in</button>
      </form>
    </main>
  );
}
