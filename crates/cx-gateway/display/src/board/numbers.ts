// How numbers are said: fixed decimals and unit per KPI, never by the momentary value.
import type { Info } from "./view";

const THIN = "\u2009";
const DASH = "\u2014";

/** Is it told as a clock, `4:12`? Times with decimals are short ones: `2.31 s`. */
function clock(info: Info): boolean {
  return info.unit === "seconds" && info.scale === 0;
}

/** The sign of a unit; a currency by its narrow symbol where the browser knows one. */
export function sign(unit: string): string {
  if (unit === "percent") return "%";
  if (unit === "count") return "";
  if (unit === "seconds") return "s";
  if (unit === "points") return "pts";
  try {
    const money = { style: "currency", currency: unit, currencyDisplay: "narrowSymbol" } as const;
    const parts = new Intl.NumberFormat("en", money).formatToParts(0);
    return parts.find((p) => p.type === "currency")?.value ?? unit;
  } catch {
    return unit;
  }
}

function signed(value: number, digits: string): string {
  // "-0.0" is zero.
  return value < 0 && /[1-9]/.test(digits) ? `\u2212${digits}` : digits;
}

/**
 * Digits and unit for a wall's slot: four digits at most. `top` is the number's fixed upper end,
 * scaled; it decides about thousands, so that the unit does not switch with the value.
 */
export function shown(value: number | null, info: Info, top = 0): [string, string] {
  const { scale, unit } = info;
  if (value === null) return [DASH, clock(info) ? "" : sign(unit)];
  const plain = value / 10 ** scale;
  if (clock(info)) return [signed(plain, duration(Math.abs(plain))), ""];
  const size = Math.abs(plain);
  const thousands = top / 10 ** scale >= 10_000 || size >= 10_000;
  if (!thousands) return [signed(plain, size.toFixed(scale)), sign(unit)];
  // A true zero is one, not something small that was rounded.
  if (value === 0) return ["0", `k${sign(unit) && THIN + sign(unit)}`];
  const k = size / 1000;
  const digits = k >= 1000 ? k.toFixed(0) : k.toFixed(1);
  return [signed(plain, digits), `k${sign(unit) && THIN + sign(unit)}`];
}

/** The same in running text: every digit, thousands parted, `78.4 %`, `46 706 €`, `4:12`. */
export function said(value: number | null, info: Info): string {
  const { scale, unit } = info;
  if (value === null) return DASH;
  const plain = value / 10 ** scale;
  if (clock(info)) return signed(plain, duration(Math.abs(plain)));
  const [whole = "", rest] = Math.abs(plain).toFixed(scale).split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, THIN) : whole;
  const digits = signed(plain, rest ? `${grouped}.${rest}` : grouped);
  return sign(unit) ? `${digits}${THIN}${sign(unit)}` : digits;
}

/** A limit: as `said`, without decimals that say nothing. */
export function limit(value: number, info: Info): string {
  return said(value, info).replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");
}

/** A difference, always positive: `2.4 pp` between percents, `12 s` between short durations. */
export function difference(value: number, info: Info): string {
  const size = Math.abs(value);
  const plain = size / 10 ** info.scale;
  if (info.unit === "percent") return `${plain.toFixed(info.scale)}${THIN}pp`;
  if (clock(info) && plain < 60) return `${Math.floor(plain)}${THIN}s`;
  if (plain < 1000) return said(size, info);
  return shown(size, info, 10_000 * 10 ** info.scale).join(THIN);
}

/** `0:42`, `12:05`, `3 h 10`, `2 d 4 h`. */
export function duration(seconds: number): string {
  const s = Math.floor(seconds);
  const two = (n: number): string => String(n).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  if (s < 86_400) return `${Math.floor(s / 3600)}${THIN}h${THIN}${two(Math.floor((s % 3600) / 60))}`;
  return `${Math.floor(s / 86_400)}${THIN}d${THIN}${Math.floor((s % 86_400) / 3600)}${THIN}h`;
}

/** An age in words: `12 s ago`, `3 min ago`, `2 h 5 min ago`. */
export function ago(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min ago`;
}
