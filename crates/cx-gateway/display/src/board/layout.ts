// How the board hangs, and what its numbers are made of: GET /v1/boards/{board}.
import type { Dims } from "./digest";
import type { Info } from "./view";

export interface RailLayout {
  sources: { name: string; cell: number; owner: string }[];
  dead_letters?: { cell: number };
  overdue: { label: string; cell: number }[];
}

export interface BoardPage {
  title: string;
  zone: string;
  broker: string;
  layout: {
    tiles: { label: string; cell: number; foot: string; range: [number, number] }[];
    rail: RailLayout;
  };
  cells: [number, string, string, Dims, Info & { business_name: string; meaning: string }][];
  parts: [number, number, number | null, number][];
}

export interface Trend {
  s: number[];
  values: Record<string, (number | null)[]>;
}

/** Reads JSON; a refusal is an error with its words. */
export async function read<T>(path: string): Promise<T> {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()) as T;
}
