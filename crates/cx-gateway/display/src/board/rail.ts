// What needs somebody: contacts and numbers beyond their target, silent sources, refused records.
import { feeds } from "./feeds";
import { duration, limit, said } from "./numbers";
import { offTarget, span } from "./words";
import type { RailLayout, TileLayout } from "./layout";
import type { Trend } from "./trend";
import type { Held } from "./view";
import type { Clock } from "./zone";

export interface Row {
  key: string;
  /** P2 a person waits too long or a number is off its target, P3 something is broken but nobody waits; none is a plain count. */
  kind: "p2" | "p3" | "none";
  title: string;
  fact: string;
  owner: string;
}

export interface Surroundings {
  cells: ReadonlyMap<number, Held>;
  /** The second the values belong to. */
  s: number;
  clock: Clock;
  /** KPI -> who answers for it, where the catalogue says so. */
  owners: ReadonlyMap<string, string>;
  tiles: readonly TileLayout[];
  trend: Trend;
  /** Whether refused records became more in the last 15 minutes; null where that is not known. */
  rising: boolean | null;
}

/** Rows by priority, in the board's order within one: nothing jumps while it stays abnormal. */
export function rows(rail: RailLayout, around: Surroundings): Row[] {
  const waiting = overdue(rail, around);
  return [...waiting, ...missed(rail, around, waiting.length > 0), ...silent(rail, around), ...refused(rail, around)];
}

/** How many sources told something within their target. */
export function current(rail: RailLayout, cells: ReadonlyMap<number, Held>): number {
  return [...feeds(rail, cells).values()].filter((f) => f.state === "current").length;
}

function overdue(rail: RailLayout, { cells, s, clock, owners }: Surroundings): Row[] {
  return rail.overdue.flatMap(({ label, cell }) => {
    const held = cells.get(cell);
    if (!held || held.value === null || !offTarget(held)) return [];
    const target = held.info.target ?? 0;
    // It has been too long since the moment its wait reached the target.
    const fact = `${duration(held.value)} > ${duration(target)} since ${clock(s - held.value + target)}`;
    const owner = owners.get(held.kpi) ?? "no owner named";
    return [{ key: `overdue ${cell}`, kind: "p2", title: `${label}: oldest waits`, fact, owner }];
  });
}

/** Tiles off their target; those whose parts the rail names already are not told twice. */
function missed(rail: RailLayout, around: Surroundings, waiting: boolean): Row[] {
  const { cells, s, clock, owners, tiles, trend } = around;
  const named = new Set(waiting ? rail.overdue.map(({ cell }) => cells.get(cell)?.kpi) : []);
  return tiles.flatMap(({ label, cell }) => {
    const held = cells.get(cell);
    if (!held || held.value === null || !offTarget(held) || named.has(held.kpi)) return [];
    const beyond = held.info.direction === "up" ? "<" : ">";
    const since = offSince(held, trend, cell, s);
    const fact = `${said(held.value, held.info)} ${beyond} ${limit(held.info.target ?? 0, held.info)}`;
    const owner = owners.get(held.kpi) ?? "no owner named";
    return [{ key: `tile ${cell}`, kind: "p2", title: label, fact: since === null ? fact : `${fact} since ${clock(since)}`, owner }];
  });
}

/** The first of the sealed minutes off target without a break up to `s`; null while none is known. */
function offSince({ info }: Held, trend: Trend, cell: number, s: number): number | null {
  const values = trend.values[cell] ?? [];
  let first = values.length > 0 ? s : null;
  for (let i = values.length - 1; i >= 0 && offTarget({ value: values[i] ?? null, info }); i -= 1) first = trend.s[i] ?? first;
  return first;
}

function silent(rail: RailLayout, { cells, s, clock }: Surroundings): Row[] {
  return [...feeds(rail, cells).values()].flatMap(({ name, owner, state, age }) => {
    if (state === "current") return [];
    const word = state === "dead" ? "no feed" : "silent";
    const fact = age === null ? "no feed, never heard" : `${word} ${duration(age)} since ${clock(s - age)}`;
    return [{ key: `source ${name}`, kind: "p3", title: name, fact, owner: owner || "no owner named" }];
  });
}

function refused(rail: RailLayout, { cells, owners, rising }: Surroundings): Row[] {
  const held = rail.dead_letters ? cells.get(rail.dead_letters.cell) : undefined;
  if (!held?.value) return [];
  const trend = rising === null ? "" : rising ? ", rising" : ", not rising";
  const fact = `${held.value} in ${span(held.window)}${trend}`;
  const owner = owners.get(held.kpi) ?? "no owner named";
  return [{ key: "refused", kind: rising ? "p3" : "none", title: "Refused records", fact, owner }];
}

/** The last 15 minutes of one count, a point per minute. */
export class Recent {
  #points: { s: number; value: number }[] = [];

  push(s: number, value: number): void {
    const last = this.#points.at(-1);
    if (last && s - last.s < 60) return;
    this.#points.push({ s, value });
    this.#points = this.#points.filter((p) => s - p.s <= 900);
  }

  /** Whether `value` is above the oldest point we have by more than chance makes it. */
  rising(value: number): boolean {
    const oldest = this.#points[0];
    return oldest !== undefined && value > oldest.value + Math.max(3, 2 * Math.sqrt(oldest.value));
  }
}
