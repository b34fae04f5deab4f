// What the API tells of a definition and of a number's lineage: schemas/kpi-entry and kpi-why.
import type { Dims } from "../board/digest";
import type { Governed } from "./govern";
import { limit } from "../board/numbers";
import type { Info } from "../board/view";
import { DATA_GAP, LIMITED, RESTATED, span, WARMING } from "../board/words";

export interface Entry {
  kpi: string;
  business_name: string;
  meaning: string;
  said: { formula: string; parts: [string, string][]; sentence: string };
  dimensions: { name: string; values: string[] }[];
  windows: string[];
  unit: string;
  decimals: number;
  direction: string;
  target?: number | null;
  owners: { business: string; technical: string };
  examples: unknown[];
  definition: string;
  file: string;
  used: { board: string; title: string; tiles: { label: string; cell: number; window: string; dims: Dims }[]; rail: boolean; cells: number }[];
}

export interface Value {
  window: string;
  dims: Dims;
  value: number | null;
  state: number;
  n: number;
}

/** A definition with its values, where it has any. */
export type Told = Entry & {
  /** What people said of the definition; null where nobody keeps it. */
  governed?: Governed | null;
  s?: number;
  values?: Value[];
  observed?: { value: number | null; at_ms: number };
};

export interface Found {
  kpis: Entry[];
  total: number;
  next: string | null;
}

export interface Account {
  start: number;
  applied: number;
  duplicates: number;
  late: number;
  dead_lettered: number;
  control: number;
  gaps: number;
  lost: number;
  holds: boolean;
  data_gap: [number, number] | null;
}

export interface Sample {
  outcome: string;
  source: string | null;
  id: string | null;
  type: string | null;
  time: string;
  partition: number;
  offset: number;
  customer: string | null;
}

export interface Lineage {
  s: number;
  value: number | null;
  state: number;
  definition: string;
  parts: { numerator: number; denominator: number | null; n: number; restated_numerator: number; restated_denominator: number };
  worked: string;
  /** Of a number that is calculated from others: those. */
  made_of: { name: string; kpi: string; window: string; dims: Dims; shown: string }[];
  covers: { from: string; to: string; pane_s: number } | null;
  partitions: { partition: number; next_offset: number; account: Account | null }[];
  marks: { mark: string; meaning: string }[];
  freshness: { age_ms: number; words: string };
  samples: { numerator: Sample[]; denominator: Sample[] | null; note: string };
}

/** What a reader needs to write this KPI's integers. */
export function info(entry: Entry): Info {
  const { unit, decimals: scale, target, direction, definition } = entry;
  return { unit, scale, target: target ?? null, direction, definition };
}

/** `15 min`, `at the second`. */
export function named(window: string): string {
  return window === "now" ? "at the second" : span(window);
}

/** A breakdown in words: `queue: sales`, `total`. */
export function place(dims: Dims): string {
  const told = Object.entries(dims).filter(([, value]) => value !== "all");
  return told.map(([name, value]) => `${name}: ${value.replaceAll("_", " ")}`).join(", ") || "total";
}

const UNITS: Record<string, string> = { percent: "percent", count: "a number", points: "points", seconds: "seconds" };
const WAYS: Record<string, string> = { up: "more is better", down: "less is better", none: "neither is better" };

/** The plain facts of a definition, as rows of words. */
export function facts(entry: Entry): [string, string][] {
  const { decimals, dimensions, windows } = entry;
  const by = dimensions.map((d) => `${d.name} (${d.values.join(", ")}, other)`);
  return [
    ["unit", UNITS[entry.unit] ?? entry.unit],
    ["decimals", String(decimals)],
    ["direction", WAYS[entry.direction] ?? entry.direction],
    ["target", entry.target == null ? "none" : limit(entry.target, info(entry))],
    ["windows", windows.map(named).join(", ")],
    ["broken down by", by.join("; ") || "nothing"],
    ["business owner", entry.owners.business],
    ["technical owner", entry.owners.technical],
    ["worked examples", entry.examples.length === 0 ? "none" : `${entry.examples.length}, run at every start`],
    ["file", entry.file],
  ];
}

/** Rows of the table of values: the total, then one breakdown at a time; several at once are too many to read. */
export function rows(entry: Told): Dims[] {
  const seen = new Map<string, Dims>();
  for (const { dims } of entry.values ?? []) {
    const apart = Object.values(dims).filter((value) => value !== "all").length;
    if (apart <= 1) seen.set(place(dims), dims);
  }
  const order = ["total", ...entry.dimensions.flatMap((d) => [...d.values, "other"].map((v) => place({ [d.name]: v })))];
  return order.map((name) => seen.get(name)).filter((dims) => dims !== undefined);
}

/** The value of a row in a window. */
export function at(entry: Told, window: string, dims: Dims): Value | undefined {
  const same = (a: Dims): boolean => Object.entries(dims).every(([name, value]) => a[name] === value);
  return entry.values?.find((v) => v.window === window && same(v.dims));
}

const BITS: [number, string][] = [[WARMING, "warming"], [RESTATED, "restated"], [DATA_GAP, "records missing"], [LIMITED, "limited"]];

/** State bits in words. */
export function marks(state: number): string {
  return BITS.filter(([bit]) => state & bit).map(([, word]) => word).join(", ");
}
