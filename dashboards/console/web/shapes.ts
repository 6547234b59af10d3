// What charts are made of, before anything is drawn.

import type { Entities } from './colors';
import type { Cell, Format } from './types';

export interface Context {
  entities: Entities;
  font: string;
  dark: boolean;
  /** How many categories fit one below the other. */
  room: number;
  /** When the data was read: the bucket it falls in is not complete yet. */
  now: number;
}

export interface Category {
  key: string;
  label: string;
  long: string;
}

export interface Measure {
  format?: Format;
  type: string;
}

export interface Point {
  value: number | null;
  raw: Cell;
  color?: string;
}

export interface Series {
  key: string;
  name: string;
  color: string;
  mark: 'bar' | 'line';
  area: boolean;
  stack?: string;
  axis: 0 | 1;
  measure: Measure;
  points: Point[];
}

export interface ValueAxis {
  title: string;
  measure: Measure;
  share: boolean;
  log: boolean;
  min?: number;
  max?: number;
}

export interface Cartesian {
  kind: 'cartesian';
  horizontal: boolean;
  categories: Category[];
  /** Buckets of time, whose labels may be thinned out. */
  time: boolean;
  /** Index of the bucket that is still filling, -1 for none. */
  partial: number;
  title: string;
  hideLabels: boolean;
  series: Series[];
  values: ValueAxis[];
  labels: boolean;
  dots: boolean;
  lines: { at: number; label: string; color?: string; horizontal: boolean }[];
  legend: string;
  total: boolean;
}

export interface Pie {
  kind: 'pie';
  inner: number;
  slices: { key: string; name: string; color: string; value: number; text: string; share: string }[];
  total: string;
  label: string;
}

export interface Heatmap {
  kind: 'heatmap';
  x: Category[];
  y: Category[];
  titles: [string, string];
  cells: { x: number; y: number; value: number; text: string; color: string }[];
  low: string;
  high: string;
  ramp: string[];
  label: string;
}

export interface Scatter {
  kind: 'scatter';
  x: ValueAxis & { time: boolean };
  y: ValueAxis & { time: boolean };
  groups: { key: string; name: string; color: string; points: { x: number; y: number; size: number; text: [string, string][] }[] }[];
  legend: string;
}

export type Drawing = Cartesian | Pie | Heatmap | Scatter;

export interface ChartModel {
  drawing: Drawing;
  note: string;
  empty: boolean;
}
