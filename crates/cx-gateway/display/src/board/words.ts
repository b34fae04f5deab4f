// The sentence under a number: its target, how it compares, or why there is nothing to say.
import { difference, limit, said, shown } from "./numbers";
import { before, usual, type Trend } from "./trend";
import type { Held, Info } from "./view";

export const WARMING = 1;
export const RESTATED = 2;
export const DATA_GAP = 4;
export const LIMITED = 8;

const SPAN: Record<string, string> = { "1m": "1 min", "5m": "5 min", "15m": "15 min", "1h": "1 hour", "24h": "24 hours", day: "today", "7d": "7 days", "28d": "28 days" };
const MINUTES: Record<string, number> = { "1m": 1, "5m": 5, "15m": 15, "1h": 60, "24h": 1440, "7d": 10_080, "28d": 40_320 };
/** Characters that fit into a foot of 408 px at 28 px. */
const ROOM = 28;

/** `15 min`, or `now` for a number without a window. */
export function span(window: string): string {
  return SPAN[window] ?? "now";
}

/** Whether a value is on the wrong side of its target. */
export function offTarget(held: { value: number | null; state?: number; info: Info } | undefined): boolean {
  const target = held?.info.target;
  if (!held || held.value === null || target === undefined || target === null) return false;
  // A window that was not seen whole alarms nobody.
  if ((held.state ?? 0) & WARMING) return false;
  if (held.info.direction === "up") return held.value < target;
  return held.info.direction === "down" && held.value > target;
}

/** `target 80 %`, `below target 80 %`; empty without a target. */
export function aim(held: Held): string {
  const target = held.info.target;
  if (target === undefined || target === null) return "";
  const words = `target ${limit(target, held.info)}`;
  if (!offTarget(held)) return words;
  return `${held.info.direction === "up" ? "below" : "above"} ${words}`;
}

const AGO = " than 1 h ago";

/** How it stands against an hour ago; nothing while that is not known. */
export function comparison(held: Held, trend: Trend, cell: number, s: number | null): string {
  const { value, info } = held;
  if (value === null || s === null) return "";
  if (value === 0 && held.window === "now" && info.unit === "count") return "none now";
  const band = usual(trend, cell);
  if (band && value >= band[0] && value <= band[1]) return "as usual";
  const then = before(trend, cell, s, 60);
  if (then === null) return "";
  if (then === value) return "as 1 h ago";
  const more = value > then;
  const better = info.direction === "up" ? more : !more;
  const word = info.direction === "none" ? (more ? "more" : "less") : better ? "better" : "worse";
  return `${difference(value - then, info)} ${word}${AGO}`;
}

/** Why digits are missing or not whole; empty for an ordinary number. */
export function caveat(held: Held, kind: string, seen: number | null): string {
  const whole = MINUTES[held.window];
  if (held.value === null && whole !== undefined) {
    return kind === "ratio" ? `no cases in ${span(held.window)}` : `nothing in ${span(held.window)}`;
  }
  if (held.value === null) return "none now";
  if (held.state & DATA_GAP) return "records are missing";
  if (held.state & WARMING) {
    if (seen === null || whole === undefined || seen >= whole) return "window not yet full";
    const [unit, minutes]: [string, number] = whole > 1440 ? ["d", 1440] : whole > 60 ? ["h", 60] : ["min", 1];
    return `${Math.floor(seen / minutes)} of ${whole / minutes} ${unit} seen`;
  }
  return held.state & LIMITED ? "a limit was reached" : "";
}

/** That late events changed it, as short as its foot is. */
export function restated(held: Held): string {
  return held.state & RESTATED ? "restated" : "";
}

export interface Foot {
  left: string;
  right: string;
}

/** What stands under the number: the first pair that fits beside each other. */
export function foot(caveat: string, aim: string, comparison: string, words: string, span: string): Foot {
  const both = [aim, comparison].filter(Boolean).join(", ");
  // Where the difference has no room its direction still has.
  const short = comparison.endsWith(AGO) ? comparison.replace(/^.* (?=\S+ than 1 h ago$)/, "") : "";
  const lefts = caveat ? [caveat] : [both, aim || comparison, aim ? "" : short].filter(Boolean);
  for (const left of lefts.length ? lefts : [""]) {
    for (const right of [words, span]) {
      if (left.length + right.length + 2 <= ROOM) return { left, right };
    }
  }
  return { left: lefts.at(-1) ?? "", right: span };
}

/** A unit as a voice says it. */
function spoken(value: number | null, info: Info, top: number): string {
  if (value === null) return "no value";
  if (info.unit === "percent") return `${(value / 10 ** info.scale).toFixed(info.scale)} percent`;
  if (info.unit === "seconds" || info.unit === "count") return said(value, info);
  if (info.unit === "points") return `${shown(value, info, top)[0]} points`;
  return `${shown(value, info, top).join(" ").replace(/k.*$/, "thousand")} ${info.unit}`;
}

/** The accessible name: "Service level, 78.4 percent, target 80 %, 15 min". */
export function named(label: string, held: Held, top: number, parts: string[]): string {
  const restated = held.state & RESTATED ? "restated by late events" : "";
  return [label, spoken(held.value, held.info, top), ...parts, restated].filter(Boolean).join(", ");
}
