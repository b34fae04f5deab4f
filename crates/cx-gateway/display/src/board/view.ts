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
export type WireParts = [number, number | null, number];

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
  gone?: number[];
  values?: WireValue[];
  v?: WireValue[];
  parts?: WireParts[];
  g?: string;
  /** Cells not announced before, states, digest of the alerts. */
  alerts?: [WireCell[], WireValue[], string];
  code?: string;
  detail?: string;
  fix?: string;
  retry_ms?: number;
  kind?: string;
  on?: boolean;
  from?: number;
  to?: number;
}

export interface Held {
  kpi: string;
  window: string;
  dims: Dims;
  info: Info;
  value: number | null;
  state: number;
  /** Numerator, denominator and n, where the subscription asked for parts. */
  parts?: WireParts | undefined;
}

/** Keeps one board; `apply` answers whether the digest was right. */
export class View {
  cells = new Map<number, Held>();
  epoch = "";
  seq = 0;
  /** The last number at which the digest was right: a diff since then mends what was lost. */
  verified = 0;
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
    }
    for (const cell of frame.gone ?? []) this.#remove(cell);
    for (const cell of frame.cells ?? []) this.#announce(cell);
    let known = true;
    for (const [i, [cell, value, state]] of (frame.values ?? frame.v ?? []).entries()) {
      known = this.#set(cell, value, state, frame.parts?.[i]) && known;
    }
    if (frame.alerts) known = this.#alert(frame.alerts) && known;
    this.seq = frame.seq ?? this.seq;
    this.s = frame.s ?? null;
    this.digest = text(this.#sum);
    const right = known && this.digest === frame.g;
    if (right) this.verified = this.seq;
    return right;
  }

  #remove(id: number): void {
    this.cells.delete(id);
    this.#sum -= this.#hashes.get(id) ?? 0n;
    this.#hashes.delete(id);
    this.#starts.delete(id);
  }

  #forget(): void {
    this.cells.clear();
    this.#hashes.clear();
    this.#starts.clear();
    this.#sum = 0n;
    this.verified = 0;
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
  #set(id: number, value: number | null, state: number, parts?: WireParts): boolean {
    const held = this.cells.get(id);
    const start = this.#starts.get(id);
    if (!held || start === undefined) return false;
    // A new object, never a change in place: what was painted stays what it was.
    this.cells.set(id, { ...held, value, state, parts });
    const hash = cellHash(start, value, state, parts);
    this.#sum += hash - (this.#hashes.get(id) ?? 0n);
    this.#hashes.set(id, hash);
    return true;
  }
}
