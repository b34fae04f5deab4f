// What people say of definitions: who may sign, what is proposed, who did what. GET and POST /v1/definitions.
import { read, send } from "../board/layout";
import type { Zone } from "../board/zone";

export type Side = "business" | "technical";

export interface Signature {
  role: Side;
  as?: string;
  by: string;
  why: string;
  at: string;
  demo: boolean;
}

export interface May {
  owner: string;
  people: string[];
}

/** A definition that is not in force yet, of a file or of somebody's. */
export interface Proposal {
  kpi: string;
  business_name?: string;
  definition: string;
  state: string;
  signatures?: Signature[];
  changes?: string[];
  may?: Record<Side, May>;
  /** Why it cannot be read any more. */
  cannot?: string;
  /** Of somebody's: who, why, when, and the file that it would be. */
  by?: string;
  why?: string;
  at?: string;
  home?: string;
  in_files?: boolean;
}

export interface Act {
  at: string;
  act: string;
  by: string;
  as?: string;
  side?: string;
  why?: string;
  kpi?: string;
  definition?: string;
  set?: number;
  back_to?: number;
}

export interface Activated {
  by: string;
  why?: string;
}

export interface Version {
  set: number;
  definition: string | null;
  effective_from: string | null;
  changes: string[];
  activated: Activated | null;
}

/** State, signatures and versions of a definition. */
export interface Governed {
  state: string;
  signatures: Signature[];
  versions: Version[];
  may: Record<Side, May>;
  home: string;
  proposals: Proposal[];
  log: Act[];
}

export interface Person {
  name: string;
  roles: string[];
  side: Side;
}

export interface SetShown {
  set: number;
  hash: string;
  state: "past" | "in_force" | "coming";
  effective_from: string | null;
  changes: string[];
  activated: Activated | null;
}

/** Answer of GET /v1/definitions. */
export interface Definitions {
  sets: SetShown[];
  files: { hash: string | null; changes: string[]; kpis: Proposal[]; again?: string[]; cannot: string | null; faults: string[] };
  proposals: Proposal[];
  retired: { kpi: string; business_name: string; set: number; retired: Activated | null }[];
  log: Act[];
  cast: Person[];
}

export interface Preview {
  s: number;
  records: number;
  rows: { kpi: string; window: string; before: string | null; after: string | null }[];
}

export const definitions = async (): Promise<Definitions> => (await read<Definitions>("/v1/definitions")).body;

export async function preview(definition?: string): Promise<Preview> {
  const query = definition ? `?${new URLSearchParams({ definition })}` : "";
  return (await read<Preview>(`/v1/definitions/preview${query}`)).body;
}

/** The text of a definition in force, or of a proposal. */
export async function text(kpi: string): Promise<string> {
  const answer = await fetch(`/v1/kpis/${encodeURIComponent(kpi)}`, { headers: { accept: "application/yaml" } });
  if (!answer.ok) throw new Error(`answer ${answer.status}`);
  return answer.text();
}

/** Says a word, as somebody; the server's own words where it does not fit. */
export function say(word: Record<string, unknown>, who: Person, why: string): Promise<Record<string, unknown>> {
  return send("/v1/definitions", JSON.stringify({ ...word, by: who.name, why }), "application/json");
}

export function propose(yaml: string, draft: boolean, who: Person, why: string): Promise<Record<string, unknown>> {
  const query = new URLSearchParams({ by: who.name, why, draft: String(draft) });
  return send(`/v1/definitions?${query}`, yaml, "application/yaml");
}

/** Whom the page acts as: known to the wall too. */
const KEY = "watchfloor-acting-as";
export const acting = (): string => localStorage.getItem(KEY) ?? "";
export const act = (name: string): void => localStorage.setItem(KEY, name);

/** The sides that are still to be signed, and who may: `business: commerce.lead (Cleo Martin)`. */
export function missing(signatures: Signature[], may: Record<Side, May>): string[] {
  const sides: Side[] = ["business", "technical"];
  return sides.filter((side) => !signatures.some((s) => s.role === side)).map((side) => {
    const { owner, people } = may[side];
    return `${side}: ${owner}${people.length ? ` (${people.join(", ")})` : ", whom nobody here is"}`;
  });
}

/** The side for which somebody can sign now; undefined where it is not theirs, or signed. */
export function mine(signatures: Signature[], may: Record<Side, May> | undefined, name: string): Side | undefined {
  if (!may || signatures.some((s) => s.by === name)) return undefined;
  const sides: Side[] = ["business", "technical"];
  return sides.find((side) => may[side].people.includes(name) && !signatures.some((s) => s.role === side));
}

/** What a state means for a number. */
export const MEANS: Record<string, string> = {
  draft: "it is kept and checked, counts nowhere, and nobody can sign it until it is proposed",
  proposed: "its owners have not both signed it; where it is in force, `proposed` stands beside its numbers",
  agreed: "both owners signed this very definition",
  retired: "it counts no longer",
};

/** A day and a minute of the wall's zone. */
export function when(at: string, zone: Zone): string {
  const s = Math.floor(Date.parse(at) / 1000);
  return Number.isNaN(s) ? at : `${zone.day(s)} ${zone.minute(s)}`;
}

/** `Ada Nowak signed orders as care.operations: as shipped`. */
export function sentence(act: Act): string {
  const what = act.act === "rolled_back" ? `went back to set ${act.back_to} with set ${act.set}`
    : act.act === "took_back" ? `took back what was proposed of ${act.kpi}` : act.kpi ? `${act.act} ${act.kpi}` : `${act.act} set ${act.set}`;
  const side = act.side ? ` for ${act.side}` : "";
  return `${act.by} ${what}${side}${act.as ? ` as ${act.as}` : ""}${act.why ? `: ${act.why}` : ""}`;
}
