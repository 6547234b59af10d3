import { h } from '../vendor/preact.js';

const paths: Record<string, string> = {
  table: 'M3 5.5h14M3 10h14M3 14.5h14M8 5.5v9M3 3.5h14v13H3z',
  chart: 'M3.5 16.5h13M5.5 13.5V9.5M9 13.5V5.5M12.5 13.5V8M16 13.5V4',
  download: 'M10 3v9.5M6 9l4 4 4-4M3.5 16.5h13',
  upload: 'M10 13V3.5M6 7l4-4 4 4M3.5 16.5h13',
  refresh: 'M16.5 10a6.5 6.5 0 1 1-2-4.7M16.5 2.5v4h-4',
  sun: 'M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M10 1.8v1.7M10 16.5v1.7M1.8 10h1.7M16.5 10h1.7M4.2 4.2l1.2 1.2M14.6 14.6l1.2 1.2M4.2 15.8l1.2-1.2M14.6 5.4l1.2-1.2',
  moon: 'M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3z',
  down: 'M5.5 8l4.5 4.5L14.5 8',
  left: 'M12 5l-5 5 5 5',
  close: 'M5 5l10 10M15 5L5 15',
  check: 'M4.5 10.5l3.5 3.5 7.5-8',
  search: 'M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M13 13l4 4',
  more: 'M10 4.5v.01M10 10v.01M10 15.5v.01',
  code: 'M7 6l-4 4 4 4M13 6l4 4-4 4',
  warn: 'M10 3l7.5 13.5h-15zM10 8v4M10 14.2v.01',
  file: 'M5 2.5h6.5L15 6v11.5H5zM11.5 2.5V6H15',
  trash: 'M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.7 11.5h7.6l.7-11.5',
  user: 'M10 3.5a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4M3.8 17a6.2 6.2 0 0 1 12.4 0',
  calendar: 'M3.5 5h13v11.5h-13zM3.5 8.5h13M7 3v3.5M13 3v3.5',
  filter: 'M3 4.5h14l-5.5 6.5v5l-3-1.5V11z',
};

export function Icon({ name }: { name: keyof typeof paths | string }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect class="logo-back" width="32" height="32" rx="8" />
      <path class="logo-arch" d="M7 24V13a9 9 0 0 1 18 0v11" />
      <path class="logo-wave" d="M11.5 18.5c1.5-1.4 3-1.4 4.5 0s3 1.4 4.5 0M11.5 23.5c1.5-1.4 3-1.4 4.5 0s3 1.4 4.5 0" />
    </svg>
  );
}
