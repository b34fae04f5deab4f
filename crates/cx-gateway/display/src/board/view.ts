// What the wall holds of one board: cells, values and a digest that was verified.
import { cellHash, fnv, prefix, text, type Dims } from "./digest";

export interface Info {
  unit: string;
  scale: number;
  target?: number | null;
  direction: string;
  definition: string;
}
export type WireCell = [number, string, string, Dims, Info];
export type WireValue = [number, number | null, number];

/** What the server may send; fields that an op does not use are absent. */
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
  /** Cells not announced before, states, digest of the alerts. */
  alerts?: [WireCell[], WireValue[], string];
  code?: string;
  detail?: string;
  fix?: string;
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
  /** The sealed second of the values, or null while they are not sealed. */
  s: number | null = null;
  digest = "";
  #hashes = new Map<number, bigint>();
  #starts = new Map<number, bigint>();
  #sum = 0n;
  /** Alerts: cell to the second raised, or null, and state bits. */
  alarms = new Map<number, [number | null, number]>();
  #alarmStarts = new Map<number, bigint>();

  apply(frame: Frame): boolean {
    if (frame.op === "view") {
      if (frame.mode === "snapshot") this.#forget();
      this.epoch = frame.epoch ?? this.epoch;
      for (const cell of frame.cells ?? []) this.#announce(cell);
    }
    let known = true;
    for (const [cell, value, state] of frame.values ?? frame.v ?? []) {
      known = this.#set(cell, value, state) && known;
    }
    if (frame.alerts) known = this.#alert(frame.alerts) && known;
    this.seq = frame.seq ?? this.seq;
    this.s = frame.s ?? null;
    this.digest = text(this.#sum);
    return known && this.digest === frame.g;
  }

  #forget(): void {
    this.cells.clear();
    this.#hashes.clear();
    this.#starts.clear();
    this.#sum = 0n;
    this.alarms.clear();
    this.#alarmStarts.clear();
  }

  /** Takes the alerts of a frame; whether they add up to their digest. */
  #alert([cells, states, g]: [WireCell[], WireValue[], string]): boolean {
    for (const [id, kpi, window, dims, info] of cells) {
      this.#alarmStarts.set(id, fnv(prefix(kpi, info.definition, window, dims)));
      this.alarms.set(id, [null, 0]);
    }
    for (const [id, raised, state] of states) this.alarms.set(id, [raised, state]);
    let sum = 0n;
    for (const [id, [raised, state]] of this.alarms) {
      const start = this.#alarmStarts.get(id);
      if (start === undefined) return false;
      sum += cellHash(start, raised, state);
    }
    return text(sum) === g;
  }

  #announce([id, kpi, window, dims, info]: WireCell): void {
    this.cells.set(id, { kpi, window, dims, info, value: null, state: 0 });
    this.#starts.set(id, fnv(prefix(kpi, info.definition, window, dims)));
    this.#set(id, null, 0);
  }

  /** False for a cell that was never announced. */
  #set(id: number, value: number | null, state: number): boolean {
    const held = this.cells.get(id);
    const start = this.#starts.get(id);
    if (!held || start === undefined) return false;
    // A new object, never a change in place: what was painted stays what it was.
    this.cells.set(id, { ...held, value, state });
    const hash = cellHash(start, value, state);
    this.#sum += hash - (this.#hashes.get(id) ?? 0n);
    this.#hashes.set(id, hash);
    return true;
  }
}
