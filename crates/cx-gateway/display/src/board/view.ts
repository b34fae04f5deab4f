// What the wall holds of one board: cells, values and a digest that was verified.
import { cellHash, prefix, text, type Dims } from "./digest";

export interface Info {
  unit: string;
  scale: number;
  target?: number | null;
  direction: string;
  definition: string;
}
export type WireCell = [number, string, string, Dims, Info];
export type WireValue = [number, number | null, number];

export interface Frame {
  op: string;
  id?: number;
  mode?: string;
  epoch?: string;
  seq?: number;
  s?: number;
  sealed?: boolean;
  now?: number;
  waiting_for?: number[];
  cells?: WireCell[];
  values?: WireValue[];
  v?: WireValue[];
  g?: string;
  detail?: string;
  retry_ms?: number;
}

export interface Held {
  kpi: string;
  window: string;
  dims: Dims;
  info: Info;
  value: number | null;
  state: number;
}

/** Keeps one board; `apply` answers whether the digest was right. */
export class View {
  cells = new Map<number, Held>();
  epoch = "";
  seq = 0;
  s: number | null = null;
  digest = "";
  #hashes = new Map<number, bigint>();
  #prefixes = new Map<number, string>();
  #sum = 0n;

  apply(frame: Frame): boolean {
    if (frame.op === "view") {
      if (frame.mode === "snapshot") this.#forget();
      this.epoch = frame.epoch ?? this.epoch;
      for (const cell of frame.cells ?? []) this.#announce(cell);
    }
    for (const [cell, value, state] of frame.values ?? frame.v ?? []) this.#set(cell, value, state);
    this.seq = frame.seq ?? this.seq;
    this.s = frame.s ?? this.s;
    this.digest = text(this.#sum);
    return this.digest === frame.g;
  }

  #forget(): void {
    this.cells.clear();
    this.#hashes.clear();
    this.#prefixes.clear();
    this.#sum = 0n;
  }

  #announce([id, kpi, window, dims, info]: WireCell): void {
    this.cells.set(id, { kpi, window, dims, info, value: null, state: 0 });
    this.#prefixes.set(id, prefix(kpi, info.definition, window, dims));
    this.#set(id, null, 0);
  }

  #set(id: number, value: number | null, state: number): void {
    const held = this.cells.get(id);
    const start = this.#prefixes.get(id);
    if (!held || start === undefined) return;
    held.value = value;
    held.state = state;
    const hash = cellHash(start, value, state);
    this.#sum += hash - (this.#hashes.get(id) ?? 0n);
    this.#hashes.set(id, hash);
  }
}
