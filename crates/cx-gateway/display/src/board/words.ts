// How numbers are said: fixed decimals and unit per KPI, never by the momentary value.
import type { Held } from "./view";

export const WARMING = 1;
export const RESTATED = 2;
export const DATA_GAP = 4;

/** Digits and unit of a value; an em dash where there is nothing to say. */
export function shown(value: number | null, scale: number, unit: string): [string, string] {
  const sign = unit === "percent" ? "%" : unit === "seconds" || unit === "count" ? "" : unit;
  if (value === null) return ["\u2014", sign];
  const plain = value / 10 ** scale;
  if (unit === "seconds") return [duration(plain), ""];
  const minus = plain < 0 ? "\u2212" : "";
  const size = Math.abs(plain);
  if (size >= 10_000) return [`${minus}${(size / 1000).toFixed(1)}\u2009k`, sign];
  return [minus + size.toFixed(scale), sign];
}

/** `0:42`, `12:05`, `3 h 10`, `2 d 4 h`. */
export function duration(seconds: number): string {
  const s = Math.floor(seconds);
  const two = (n: number): string => String(n).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  if (s < 86_400) return `${Math.floor(s / 3600)}\u2009h\u2009${two(Math.floor((s % 3600) / 60))}`;
  return `${Math.floor(s / 86_400)}\u2009d\u2009${Math.floor((s % 86_400) / 3600)}\u2009h`;
}

const MINUTES: Record<string, string> = { "1m": "1 min", "5m": "5 min", "15m": "15 min", "1h": "1 hour" };

/** The sentence under a number. */
export function foot(held: Held, words: string): string {
  const { value, info, state } = held;
  if (value === null) {
    const span = MINUTES[held.window];
    return span ? `nothing to measure in ${span}` : "nothing there now";
  }
  if (state & DATA_GAP) return "records are missing: not the whole truth";
  if (state & WARMING) return "warming: the window is not full yet";
  if (info.target === undefined || info.target === null) return words;
  const [digits, unit] = shown(info.target, info.scale, info.unit);
  const target = `target ${digits}${unit && `\u2009${unit}`}`;
  const worse = info.direction === "up" ? value < info.target : value > info.target;
  if (info.direction === "none" || !worse) return `${target}, ${words}`;
  return `${info.direction === "up" ? "below" : "above"} ${target}, ${words}`;
}

/** Whether a value is on the wrong side of its target. */
export function offTarget(held: Held | undefined): boolean {
  const target = held?.info.target;
  if (!held || held.value === null || target === undefined || target === null) return false;
  return held.info.direction === "up" ? held.value < target : held.value > target;
}
