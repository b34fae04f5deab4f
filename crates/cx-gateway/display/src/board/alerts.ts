// Alerts as the server tells them, what people do about them, and the rows that the rail makes of them.
import { duration, said } from "./numbers";
import { type BoardPage, read, send } from "./layout";
import type { Row } from "./rail";
import type { Held } from "./view";
import type { Clock } from "./zone";

export interface Deed {
  what: string;
  by: string;
  role?: string;
  why?: string;
  at: number;
  until?: number;
}

export interface Notified {
  to: string;
  untaken_after_s?: number;
  address: boolean;
}

export interface Alert {
  alert: string;
  state: "raised" | "cleared" | "withdrawn";
  priority: "P1" | "P2" | "P3";
  title: string;
  kpi: string;
  window: string;
  dims: Record<string, string>;
  when: string;
  clear: string;
  unit: string;
  scale: number;
  raised: number;
  value: number | null;
  n: number;
  cleared?: number;
  owner: string;
  cause: string;
  next_step: string;
  /** Whom its definition lets know; who has no address is told nothing. */
  notify?: Notified[];
  taken?: Deed;
  shelved?: Deed;
  resolved?: Deed;
  muted?: string;
  acts: Deed[];
}

/** One name: a KPI, a cause or a source. */
export type Scope = Partial<Record<"kpi" | "cause" | "source", string>>;

export interface Person {
  name: string;
  role: string;
}

/** Answer of GET /v1/alerts. */
export interface AlertPage {
  s: number | null;
  alerts: Alert[];
  maintenance: { maintenance: string; scope: Scope; by: string; why: string; from: number; until: number }[];
  cast: Person[];
  /** Who is signed in and may do something, where access is closed. */
  you?: Person;
}

/** As whom somebody can act on this page: whoever is signed in, or where nobody is asked, anybody of the cast. */
export const actors = (page: AlertPage): Person[] => (page.you ? [page.you] : page.cast);

/** State bits of an alert's cell. */
export const RAISED = 1;
export const SHELVED = 4;
export const MUTED = 8;

/** Screens ask within this time of a change, each at its own moment, ms. */
export const SPREAD_MS = 250;

export const NO_ALERTS: AlertPage = { s: null, alerts: [], maintenance: [], cast: [] };

export async function ask(): Promise<AlertPage> {
  return (await read<AlertPage>("/v1/alerts")).body;
}

/** Says that somebody does something about an alert; the server's words where it does not fit. */
export async function act(action: string, alert: string, who: Person, more: Record<string, unknown> = {}): Promise<void> {
  const body = { action: `${action}_alert`, alert, by: who.name, role: who.role, ...more };
  await send("/v1/actions", JSON.stringify(body), "application/json");
}

/** Alerts of a part of the company say nothing from now on, for so many minutes. */
export async function declare(scope: Scope, minutes: number, who: Person, why: string): Promise<void> {
  const from = new Date();
  const until = new Date(from.getTime() + minutes * 60_000);
  const body = { action: "declare_maintenance", scope, from: from.toISOString(), until: until.toISOString(), by: who.name, role: who.role, why };
  await send("/v1/actions", JSON.stringify(body), "application/json");
}

export async function endMaintenance(maintenance: string, who: Person): Promise<void> {
  const body = { action: "end_maintenance", maintenance, by: who.name, role: who.role };
  await send("/v1/actions", JSON.stringify(body), "application/json");
}

/** What maintenance is about, in words. */
export function scoped(scope: Scope, page: BoardPage): string {
  if (scope.source) return `source ${scope.source}`;
  if (scope.cause) return `cause ${scope.cause.replaceAll("_", " ")}`;
  return page.cells.find((c) => c[1] === scope.kpi)?.[4].business_name ?? scope.kpi ?? "";
}

/** What maintenance can be declared of here: causes and numbers of what is open, sources, numbers. */
export function scopes(page: BoardPage, alerts: AlertPage): { scope: Scope; words: string }[] {
  const causes = [...new Set(alerts.alerts.map((a) => a.cause))].map((cause): Scope => ({ cause }));
  const sources = page.layout.rail.sources.map(({ name }): Scope => ({ source: name }));
  const kpis = [...new Set(page.cells.map((c) => c[1]))].map((kpi): Scope => ({ kpi }));
  const known = [...causes, ...sources, ...kpis];
  return known.map((scope) => ({ scope, words: scoped(scope, page) }));
}

/** `payment`, or `all` for the total: which part of the KPI it is about. */
export function part(alert: Alert): string {
  const own = Object.values(alert.dims).filter((value) => value !== "all");
  return own.join(", ").replaceAll("_", " ");
}

/** `> 15` of `value > 15 && n >= 20`: the limit of the value, as it is written. */
export function bound(when: string): string {
  const found = /\bvalue\s*([<>]=?)\s*(-?[\d.]+|freshness|target)/.exec(when);
  return found ? `${found[1]} ${found[2]}` : "";
}

/** The number now where the board shows it, else as it was when it was raised. */
function value(alert: Alert, cells: ReadonlyMap<number, Held>): number | null {
  for (const held of cells.values()) {
    if (held.kpi !== alert.kpi || held.window !== alert.window) continue;
    const same = Object.entries(held.dims).every(([name, dim]) => (alert.dims[name] ?? "all") === dim);
    if (same) return held.value;
  }
  return alert.value;
}

/** `35.2 % > 15`; of a source how long it is silent. */
export function fact(alert: Alert, cells: ReadonlyMap<number, Held>): string {
  const info = { unit: alert.unit, scale: alert.scale, direction: "none", definition: "" };
  if (lacking(alert)) return "numbers lack records";
  const now = value(alert, cells);
  if (silentSource(alert)) return now === null ? "silent" : `silent ${duration(now)}`;
  const limit = alert.unit === "seconds" ? bound(alert.when).replace(/\d+/, (s) => duration(Number(s))) : bound(alert.when);
  return `${said(now, info)} ${limit}`.trim();
}

/** That records are missing is said of the log, whichever number is asked. */
function lacking(alert: Alert): boolean {
  return /\bdata_gap\b/.test(alert.when);
}

/** What an alert is called. */
export function titled(alert: Alert): string {
  if (lacking(alert)) return "Records missing";
  return silentSource(alert) ? part(alert) : alert.title;
}

function silentSource(alert: Alert): boolean {
  return alert.kpi === "source_age" && (alert.dims["source"] ?? "all") !== "all";
}

/** Who has it, or that nobody does, and whose it is. */
export function care(alert: Alert, s: number): string {
  if (alert.resolved) return `resolved by ${alert.resolved.by}`;
  if (alert.taken) return `${alert.taken.by}, ${elapsed(s - alert.taken.at)}`;
  return `untaken: ${alert.owner}`;
}

/** Who is told of it, and who would be if anybody had said where they are. */
export function told(alert: Alert): string {
  const all = alert.notify ?? [];
  if (all.length === 0) return "nobody";
  return all.map((n) => {
    const after = n.untaken_after_s === undefined ? "" : ` if untaken for ${elapsed(n.untaken_after_s)}`;
    return `${n.to.replaceAll("_", " ")}${after}${n.address ? "" : " (no address, so told nothing)"}`;
  }).join("; ");
}

/** `40 s`, `7 min`, `2 h`. */
export function elapsed(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s < 60) return `${s} s`;
  return s < 7200 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h`;
}

/** Alerts that say something now: neither shelved nor muted. */
export function loud(page: AlertPage): Alert[] {
  return page.alerts.filter((a) => !a.shelved && !a.muted);
}

/** One row per cause, in the server's order: by priority, untaken first, oldest first. */
export function rowsOf(page: AlertPage, kpis: ReadonlySet<string>, cells: ReadonlyMap<number, Held>, s: number, clock: Clock): Row[] {
  const groups = new Map<string, Alert[]>();
  for (const alert of loud(page).filter((a) => kpis.has(a.kpi))) {
    const key = `${alert.cause} ${alert.state === "raised"}`;
    groups.set(key, [...(groups.get(key) ?? []), alert]);
  }
  const rows = [...groups.values()].flatMap(([first, ...more]): Row[] => {
    if (!first) return [];
    const over = first.state !== "raised";
    const since = over ? `cleared ${clock(first.cleared ?? s)}` : `since ${clock(first.raised)}, ${elapsed(s - first.raised)}`;
    const what = silentSource(first) || part(first) === "" ? first.title : part(first);
    return [{
      key: `alert ${first.alert}`,
      kind: first.priority.toLowerCase() as Row["kind"],
      title: titled(first),
      fact: what === first.title ? fact(first, cells) : `${what} ${fact(first, cells)}`,
      owner: care(first, s),
      since: more.length === 0 ? since : `${since}, and ${more.length} more`,
      step: first.next_step,
      taken: first.taken !== undefined,
      over,
      alert: first.alert,
    }];
  });
  // What is over stands below what is true.
  return [...rows.filter((r) => !r.over), ...rows.filter((r) => r.over)];
}
