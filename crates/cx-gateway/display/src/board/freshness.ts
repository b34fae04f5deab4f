// Whether what is on the wall may be believed. Computed each time from clocks, never stored.
import type { Heard } from "./stream";
import { SILENCE_MS } from "./stream";

/** live: sealed and verified. open: live values, not sealed. old: nothing to be believed as now. */
export type Trust = "starting" | "live" | "open" | "old" | "cut";

/** Seconds a seal may be behind the server's clock before we say so. */
export const SEAL_LATE_S = 4;
/** Seconds after which values that were not sealed anew count as stale. */
export const SEAL_STALE_S = 10;

/** `age` is how far the painted second is behind the server's clock, s; null before the first. */
export function trust(heard: Heard | null, now: number, age: number | null): Trust {
  if (!heard) return "starting";
  if (now - heard.heardAt >= SILENCE_MS) return "cut";
  if (age === null) return heard.sealed ? "starting" : "open";
  if (!heard.sealed) return "open";
  if (age >= SEAL_STALE_S) return "old";
  return age >= SEAL_LATE_S ? "open" : "live";
}
