import { h, render, useEffect, useState } from '../vendor/preact.js';
import { ApiError, api, onSignedOut } from './api';
import { DashboardPage } from './dashboard';
import { Icon, Logo } from './icons';
import { ListPage } from './list';
import { LoginPage } from './login';
import { Message, Popover } from './ui';
import { catchLinks, useAddress } from './route';
import { forget } from './data';
import { toggleTheme, useDark } from './appearance';
import type { Me } from './types';

type Session = { me?: Me | null; trouble: string; offline?: string };

// A sign-in link carries its token behind the #, which no server log sees; it is used and removed.
async function enter(): Promise<Session> {
  const link = /^#sign-in=(.+)$/.exec(location.hash)?.[1];
  if (link) {
    history.replaceState(null, '', location.pathname + location.search);
    try {
      return { me: await api.signIn({ link }), trouble: '' };
    } catch (err) {
      const me = await api.me().catch(() => null);
      return { me, trouble: (err as ApiError).message };
    }
  }
  try {
    return { me: await api.me(), trouble: '' };
  } catch (err) {
    return { trouble: '', offline: (err as ApiError).message };
  }
}

function App() {
  const [session, setSession] = useState<Session | null>(null);
  useEffect(() => {
    enter().then(setSession);
    onSignedOut(() => {
      forget();
      setSession({ me: null, trouble: 'Your session has ended. Please sign in again.' });
    });
  }, []);
  if (!session) return null;
  if (session.offline) return <main class="page"><Message kind="error" icon="warn" title="lakegate is not answering">{session.offline}</Message></main>;
  if (!session.me) return <LoginPage trouble={session.trouble} done={(me) => setSession({ me, trouble: '' })} />;
  const leave = () => {
    forget();
    api.signOut().finally(() => setSession({ me: null, trouble: '' }));
  };
  return (
    <div class="shell">
      <Top me={session.me} leave={leave} />
      <Route />
    </div>
  );
}

function Top({ me, leave }: { me: Me; leave: () => void }) {
  const dark = useDark();
  return (
    <header class="top">
      <a class="brand" href="/ui/"><Logo /><span>lakegate</span></a>
      <nav class="top-nav" aria-label="Main"><a href="/ui/">Dashboards</a></nav>
      <div class="top-right">
        <button type="button" class="icon-button" onClick={toggleTheme} aria-label={dark ? 'Light colours' : 'Dark colours'} title={dark ? 'Light colours' : 'Dark colours'}><Icon name={dark ? 'sun' : 'moon'} /></button>
        <Popover name={'Signed in as ' + me.name} class="user" align="right" label={[<span class="avatar">{(me.name[0] ?? '?').toUpperCase()}</span>, <span class="wide-only user-name">{me.name}</span>]}>
          {() => (
            <div class="menu">
              <div class="menu-text"><b>{me.name}</b><span class="muted">{me.kind === 'SERVICE_PRINCIPAL' ? 'service principal' : 'user'}{me.key ? `, key ${me.key}` : ''}</span></div>
              <button type="button" class="menu-item" onClick={leave}>Sign out</button>
            </div>
          )}
        </Popover>
      </div>
    </header>
  );
}

function Route() {
  const { path } = useAddress();
  const board = /^\/ui\/d\/([^/]+)(?:\/([^/]+))?$/.exec(path);
  if (board) return <DashboardPage id={decodeURIComponent(board[1]!)} page={board[2] && decodeURIComponent(board[2])} />;
  return <ListPage />;
}

catchLinks();
render(<App />, document.getElementById('app')!);
