// Where somebody is: a KPI, perhaps one of its numbers, and the tile they came from.
import type { Dims } from "../board/digest";

export interface Place {
  /** Technical name, or "" for none. */
  kpi: string;
  /** The window of the number that is asked about, or "". */
  window: string;
  dims: Dims;
}

/** `#service_level_voice?window=15m&queue=sales`; a hash that is none gives no place. */
export function parse(hash: string): Place {
  const [name = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  const pairs = [...new URLSearchParams(query)];
  const dims = Object.fromEntries(pairs.filter(([n]) => n !== "window"));
  const window = pairs.find(([n]) => n === "window")?.[1] ?? "";
  return { kpi: decoded(name), window, dims };
}

/** The hash of a place. */
export function write({ kpi, window, dims }: Place): string {
  const query = window ? `?${new URLSearchParams({ window, ...dims })}` : "";
  return `#${encodeURIComponent(kpi)}${query}`;
}

/** Where the lineage of a number is asked for. */
export function question({ kpi, window, dims }: Place): string {
  return `/v1/kpis/${encodeURIComponent(kpi)}/why?${new URLSearchParams({ window, ...dims })}`;
}

/** From a tile of a wall to what its number means. */
export function toGlossary(place: Place, board: string, cell: number): string {
  return `/glossary?${kept({ from: board, cell: String(cell) })}${write(place)}`;
}

/** Back to the wall somebody came from, with the number open that they left; else to the first wall. */
export function toWall(search: string): string {
  const from = new URLSearchParams(search);
  const board = from.get("from");
  const theme = String(kept({}, search));
  const path = board ? `/wall/${encodeURIComponent(board)}` : "/";
  const cell = /^\d+$/.test(from.get("cell") ?? "") ? `#number-${from.get("cell")}` : "";
  return `${path}${theme && `?${theme}`}${board ? cell : ""}`;
}

/** To a tile that shows a KPI. */
export function toTile(board: string, cell: number): string {
  return toWall(`?${kept({ from: board, cell: String(cell) })}`);
}

function kept(more: Record<string, string>, search = globalThis.location?.search ?? ""): URLSearchParams {
  const theme = new URLSearchParams(search).get("theme");
  return new URLSearchParams(theme ? { ...more, theme } : more);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
