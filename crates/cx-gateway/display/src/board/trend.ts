// The minutes behind a number: what the server sealed, and what was sealed since, heard live.
export interface Trend {
  /** Whole minutes, seconds since 1970, ascending. */
  s: number[];
  values: Record<string, (number | null)[]>;
  /** Values after it can still be restated by late events. */
  final_through: number;
}

export interface Line {
  s: number[];
  values: (number | null)[];
  finalThrough: number;
}

export const NO_TREND: Trend = { s: [], values: {}, final_through: 0 };
const KEPT = 180;
const MINUTE = 60;

/** Adds the minute `s` as it is on the wall; a minute that is known already is left alone. */
export function append(trend: Trend, s: number, value: (cell: number) => number | null): Trend {
  if (s % MINUTE !== 0 || s <= (trend.s.at(-1) ?? 0)) return trend;
  const values: Trend["values"] = {};
  for (const [cell, line] of Object.entries(trend.values)) {
    values[cell] = [...line, value(Number(cell))].slice(-KEPT);
  }
  return { s: [...trend.s, s].slice(-KEPT), values, final_through: trend.final_through };
}

/** The last `points` minutes of a cell up to its newest one; a minute nobody sealed is a gap. */
export function line(trend: Trend, cell: number, points: number): Line {
  const last = trend.s.at(-1);
  const out: Line = { s: [], values: [], finalThrough: trend.final_through };
  if (last === undefined) return out;
  const at = new Map(trend.s.map((s, i) => [s, trend.values[cell]?.[i] ?? null]));
  const first = Math.max(trend.s[0] ?? last, last - (points - 1) * MINUTE);
  for (let s = first; s <= last; s += MINUTE) {
    out.s.push(s);
    out.values.push(at.get(s) ?? null);
  }
  return out;
}

/** What was sealed `minutes` before the minute of `s`, or null where it is not known. */
export function before(trend: Trend, cell: number, s: number, minutes: number): number | null {
  const at = trend.s.indexOf(s - (s % MINUTE) - minutes * MINUTE);
  return at < 0 ? null : (trend.values[cell]?.[at] ?? null);
}

/** The middle four fifths of what was sealed; null while there is too little to call usual. */
export function usual(trend: Trend, cell: number): [number, number] | null {
  const seen = (trend.values[cell] ?? []).filter((v) => v !== null).sort((a, b) => a - b);
  if (seen.length < 30) return null;
  const at = (share: number): number => seen[Math.round(share * (seen.length - 1))] ?? 0;
  return [at(0.1), at(0.9)];
}
