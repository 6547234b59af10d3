import { h } from '../vendor/preact.js';
import type { Node } from './types';

const plain = new Set(['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'p', 'ul', 'ol', 'li', 'blockquote', 'pre', 'code', 'hr', 'table', 'tr', 'th', 'td', 'strong', 'em', 'del', 'br', 'span']);

/** Draws the tree that the server made of markdown; there is no HTML in it to trust. */
export function Text({ blocks }: { blocks: Node[] | null }) {
  return <div class="prose">{(blocks ?? []).map(draw)}</div>;
}

function draw(n: Node): any {
  const kids = n.kids?.map(draw);
  if (!n.tag) return n.text;
  if (n.tag === 'a') return <a href={n.href} target="_blank" rel="noopener noreferrer">{kids}</a>;
  if (n.tag === 'img') return <img src={n.src} alt={n.text} />;
  if (n.tag === 'table') return <div class="prose-table"><table><tbody>{kids}</tbody></table></div>;
  if (n.tag === 'br' || n.tag === 'hr') return h(n.tag, {});
  if (!plain.has(n.tag)) return kids;
  return h(n.tag as 'p', n.align ? { class: 'align-' + n.align } : {}, kids);
}
