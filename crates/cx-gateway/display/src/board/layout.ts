// How the board hangs, and what its numbers are made of: GET /v1/boards/{board}.
import type { Dims } from "./digest";
import type { Info, WireValue } from "./view";

export interface TileLayout {
  label: string;
  cell: number;
  foot: string;
  range: [number, number];
  /** Declared sources that feed it. */
  sources?: string[];
}

export interface RailLayout {
  sources: { name: string; cell: number; owner: string; freshness_s: number }[];
  dead_letters?: { cell: number } | null;
  overdue: { label: string; cell: number }[];
}

export type PageInfo = Info & { business_name: string; meaning: string; kind: string };

export interface BoardPage {
  /** Its name in addresses. */
  board: string;
  title: string;
  zone: string;
  broker: string;
  /** The server takes gestures. */
  demo: boolean;
  /** By KPI the state of its definition, where it is not agreed. */
  states: Record<string, string>;
  epoch: string;
  s: number;
  g: string;
  layout: { tiles: TileLayout[]; rail: RailLayout };
  cells: [number, string, string, Dims, PageInfo][];
  values: WireValue[];
  /** Cell, numerator, denominator, n. */
  parts: [number, number, number | null, number][];
}

export interface Kpi {
  owners?: { business?: string; technical?: string };
}

/** What a door said when it refused: its own words where it has some. */
export class Refused extends Error {
  /** The kept second that is nearest to the one asked for, where the door says so. */
  constructor(readonly status: number, words: string, readonly nearest?: number) {
    super(words);
  }
}

interface Problem {
  title?: string;
  detail?: string;
  fix?: string;
  nearest?: number;
  errors?: { fix?: string }[];
}

/** Reads JSON and the server's clock (ms since 1970, to the second). */
export async function read<T>(path: string): Promise<{ body: T; date: number | null }> {
  const answer = await good(await fetch(path));
  const date = Date.parse(answer.headers.get("date") ?? "");
  return { body: (await answer.json()) as T, date: Number.isNaN(date) ? null : date };
}

/** Posts a body and reads what came back. */
export async function send<T>(path: string, body: string, type: string): Promise<T> {
  const answer = await good(await fetch(path, { method: "POST", headers: { "content-type": type }, body }));
  return (await answer.json()) as T;
}

async function good(answer: Response): Promise<Response> {
  if (answer.ok) return answer;
  const problem = (await answer.json().catch(() => ({}))) as Problem;
  const fix = problem.fix ?? problem.errors?.[0]?.fix;
  const words = [problem.detail ?? problem.title ?? `answer ${answer.status}`, fix];
  throw new Refused(answer.status, words.filter(Boolean).join("; "), problem.nearest);
}
