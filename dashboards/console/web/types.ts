// The shapes the server sends; they mirror the Go structs of dashboards/lvdash and dashboards/console.

export type Cell = string | null;

export interface Format {
  kind: 'number' | 'currency' | 'percent' | 'date' | 'datetime';
  currency?: string;
  compact?: boolean;
  places?: number;
  exact?: boolean;
  noGroups?: boolean;
  scaled?: boolean;
  suffix?: string;
  pattern?: string;
  date?: string;
}

export interface Field {
  name: string;
  label: string;
  format?: Format;
  /** sum, count, avg, ... when the column summarises rows. */
  agg?: string;
  /** Bin width when the column is a number cut to bins. */
  bin?: string;
  /** SECOND to YEAR when the column is a time cut to a unit. */
  unit?: string;
}

export interface Rule {
  column?: string;
  op: string;
  value: string;
  color?: string;
  background?: string;
  bold?: boolean;
}

export interface Sort {
  by: string;
  values?: string[];
}

export interface Axis {
  fields: Field[] | null;
  title?: string;
  hideTitle?: boolean;
  hideLabels?: boolean;
  scale: string;
  log?: boolean;
  min?: number;
  max?: number;
  reverse?: boolean;
  sort?: Sort;
  top?: number;
}

export interface ColorSpec {
  field?: Field;
  scale?: string;
  mappings?: { value: Cell; color: string }[];
  ramp?: string[];
  legend?: string;
  sort?: Sort;
}

export interface Chart {
  mark: 'line' | 'area' | 'bar' | 'pie' | 'combo' | 'scatter' | 'heatmap' | 'histogram';
  x?: Axis;
  y?: Axis;
  y2?: Axis;
  angle?: Field;
  size?: Field;
  color?: ColorSpec;
  layout?: string;
  labels?: boolean;
  points?: boolean;
  innerRadius?: number;
  colors?: string[];
  extra?: Field[];
  annotations?: { horizontal?: boolean; at: string; label?: string; color?: string }[];
}

export interface Counter {
  value: Field;
  row: number;
  template?: string;
  rules?: Rule[];
  target?: Field;
  percent?: boolean;
  period?: Field;
}

export interface Column extends Field {
  align?: string;
  as?: string;
  link?: string;
  linkText?: string;
  description?: string;
  rules?: Rule[];
}

export interface Table {
  columns: Column[] | null;
  pageSize?: number;
  rowNumbers?: boolean;
}

export interface Pivot {
  rows: Field[] | null;
  columns: Field[] | null;
  cells: Field[];
}

export interface Selection {
  values?: Cell[];
  min?: string;
  max?: string;
  text?: string;
  all?: boolean;
}

export interface Filter {
  kind: 'single' | 'multi' | 'date' | 'date-range' | 'number-range' | 'text';
  type: string;
  options: boolean;
  allowAll: boolean;
  default: Selection | null;
  exclude: boolean;
  sort?: Sort | null;
  field: string;
}

export interface Node {
  tag?: string;
  text?: string;
  href?: string;
  src?: string;
  align?: string;
  kids?: Node[];
}

export interface Item {
  x: number;
  y: number;
  w: number;
  h: number;
  id: string;
  title?: string;
  description?: string;
  center?: boolean;
  badge?: string;
  text?: { blocks: Node[] | null };
  counter?: Counter;
  chart?: Chart;
  table?: Table;
  pivot?: Pivot;
  filter?: Filter;
  broken?: { message: string };
  empty?: boolean;
}

export interface Page {
  name: string;
  title: string;
  global?: boolean;
  items: Item[];
}

export interface DashboardMeta {
  id: string;
  name: string;
  bundled: boolean;
  createdBy: string;
  updated: string | null;
  mine: boolean;
  pages: number;
  widgets: number;
  broken?: string;
}

export interface Dashboard extends DashboardMeta {
  colors: string[] | null;
  views: Page[] | null;
  notes: string[] | null;
}

export interface Data {
  columns: { name: string; type: string }[];
  rows: Cell[][];
  truncated?: boolean;
  as_of: string;
  elapsed_ms: number;
  sql: string;
  params?: { Name: string; Type: string; Value: string }[];
}

export interface Me {
  name: string;
  kind: string;
  key: string;
}

export interface Report {
  pages: number;
  widgets: { page: string; widget: string; type: string; state: string; detail?: string; place: string }[] | null;
  datasets: { name: string; parameters: string[]; tables: string[]; error?: string }[] | null;
  notes: string[];
  placeholders: string[];
  tables: string[];
  missing: string[];
}
