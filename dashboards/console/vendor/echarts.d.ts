// The part of echarts.js that web/*.tsx uses.
export function init(element: HTMLElement, theme: unknown, options: { renderer: 'svg' }): any;
