import { Fragment, h, useLayoutEffect, useRef, useState } from '../vendor/preact.js';
import type { ComponentChildren } from '../vendor/preact.js';
import { Icon } from './icons';

/** A button that opens a panel below it. Escape and a click elsewhere close it. */
export function Popover(p: {
  label: ComponentChildren;
  name: string;
  class?: string;
  align?: 'left' | 'right';
  disabled?: boolean;
  onClose?: () => void;
  children: (close: () => void) => ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    p.onClose?.();
    button.current?.focus({ preventScroll: true });
  };
  useLayoutEffect(() => { // a key that follows at once finds the panel listening
    if (!open) return;
    const outside = (e: Event) => {
      if (!box.current?.contains(e.target as globalThis.Node)) {
        setOpen(false);
        p.onClose?.();
      }
    };
    const key = (e: KeyboardEvent) => e.key === 'Escape' && close();
    document.addEventListener('pointerdown', outside);
    document.addEventListener('keydown', key);
    box.current?.querySelector<HTMLElement>('.panel input, .panel button')?.focus({ preventScroll: true });
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('keydown', key);
    };
  });
  return (
    <div class="popover" ref={box}>
      <button ref={button} type="button" class={p.class ?? 'button'} aria-label={p.name} title={p.name} aria-expanded={open} aria-haspopup="dialog"
        disabled={p.disabled} onClick={() => (open ? close() : setOpen(true))}>
        {p.label}
      </button>
      {open && <div class={'panel ' + (p.align ?? 'left')} role="dialog" aria-label={p.name}>{p.children(close)}</div>}
    </div>
  );
}

export function IconButton(p: { icon: string; name: string; onClick: () => void; active?: boolean; class?: string }) {
  return (
    <button type="button" class={'icon-button ' + (p.class ?? '')} aria-label={p.name} title={p.name} aria-pressed={p.active} onClick={p.onClick}>
      <Icon name={p.icon} />
    </button>
  );
}

/** A modal dialog. */
export function Dialog(p: { title: string; onClose: () => void; wide?: boolean; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => { // at once: a key that follows finds the dialog open
    ref.current?.showModal();
  }, []);
  return (
    <dialog ref={ref} class={p.wide ? 'dialog wide' : 'dialog'} onClose={p.onClose} onClick={(e: MouseEvent) => e.target === ref.current && ref.current!.close()}>
      <div class="dialog-body">
        <div class="dialog-head">
          <h2>{p.title}</h2>
          <IconButton icon="close" name="Close" onClick={() => ref.current!.close()} />
        </div>
        {p.children}
      </div>
    </dialog>
  );
}

export function Message(p: { icon?: string; title: string; children?: ComponentChildren; kind?: 'error' | 'plain' }) {
  return (
    <div class={'message ' + (p.kind ?? 'plain')} role={p.kind === 'error' ? 'alert' : undefined}>
      {p.icon && <Icon name={p.icon} />}
      <div class="message-title">{p.title}</div>
      {p.children && <div class="message-text">{p.children}</div>}
    </div>
  );
}

/** Offers text as a file. */
export function save(name: string, type: string, text: string) {
  const a = document.createElement('a');
  a.href = URL.createObjectURL(new Blob([text], { type }));
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}

export { Fragment };
