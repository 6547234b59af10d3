// Buckets of time and of numbers, the empty ones included.

/** More buckets than this are not filled up. */
export const maxBuckets = 3000;

/** The start of the bucket after this one. */
export function step(ms: number, unit: string): number {
  const t = new Date(ms);
  switch (unit) {
    case 'SECOND': return ms + 1000;
    case 'MINUTE': return ms + 60_000;
    case 'HOUR': return ms + 3_600_000;
    case 'DAY': return ms + 86_400_000;
    case 'WEEK': return ms + 7 * 86_400_000;
    case 'MONTH': return Date.UTC(t.getUTCFullYear(), t.getUTCMonth() + 1, 1);
    case 'QUARTER': return Date.UTC(t.getUTCFullYear(), t.getUTCMonth() + 3, 1);
    default: return Date.UTC(t.getUTCFullYear() + 1, 0, 1);
  }
}

export function fillTime(keys: string[], unit: string): string[] {
  if (keys.length < 2) return keys;
  const out: string[] = [];
  const last = Number(keys[keys.length - 1]);
  for (let t = Number(keys[0]); t <= last; t = step(t, unit)) {
    if (out.push(String(t)) > maxBuckets) return keys;
  }
  const filled = new Set(out);
  return keys.every((k) => filled.has(k)) ? out : keys;
}

export function fillBins(keys: string[], width: number): string[] {
  if (keys.length < 2) return keys;
  const [low, high] = [Number(keys[0]), Number(keys[keys.length - 1])];
  const n = Math.round((high - low) / width) + 1;
  if (n > 2000) return keys;
  const have = new Map(keys.map((k) => [Math.round(Number(k) / width), k]));
  return Array.from({ length: n }, (_, i) => {
    const slot = Math.round(low / width) + i;
    return have.get(slot) ?? String(slot * width);
  });
}
