// What needs somebody: alerts, silent sources that nobody judged yet, refused records.
import { type AlertPage, rowsOf } from "./alerts";
import { feeds } from "./feeds";
import { duration } from "./numbers";
import { span } from "./words";
import type { RailLayout } from "./layout";
import type { Held } from "./view";
import type { Clock } from "./zone";

export interface Row {
  key: string;
  /** The priority of its alert; none is a plain count. */
  kind: "p1" | "p2" | "p3" | "none";
  title: string;
  fact: string;
  /** Who has it, or whose it is. */
  owner: string;
  since?: string;
  /** What to do first. */
  step?: string;
  taken?: boolean;
  /** What raised it is over. */
  over?: boolean;
  /** Id of its alert: it can be opened. */
  alert?: string;
}

export interface Surroundings {
  cells: ReadonlyMap<number, Held>;
  /** The second the values belong to. */
  s: number;
  clock: Clock;
  /** KPI -> who answers for it, where the catalogue says so. */
  owners: ReadonlyMap<string, string>;
  alerts: AlertPage;
  /** Whether refused records became more in the last 15 minutes; null where that is not known. */
  rising: boolean | null;
}

/** Alerts in the server's order, then what no alert says yet: nothing jumps while it stays abnormal. */
export function rows(rail: RailLayout, around: Surroundings): Row[] {
  const { alerts, cells, s, clock } = around;
  const kpis = new Set([...cells.values()].map((held) => held.kpi));
  const raised = rowsOf(alerts, kpis, cells, s, clock);
  const told = new Set(alerts.alerts.filter((a) => a.kpi === "source_age").map((a) => a.dims["source"] ?? ""));
  const sources = { ...rail, sources: rail.sources.filter(({ name }) => !told.has(name)) };
  return [...raised, ...silent(sources, around), ...refused(rail, around)];
}

/** How many sources told something within their target. */
export function current(rail: RailLayout, cells: ReadonlyMap<number, Held>): number {
  return [...feeds(rail, cells).values()].filter((f) => f.state === "current").length;
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
