// Whether what feeds a number still speaks: from the sealed age of each source, never from clocks.
import { ago } from "./numbers";
import type { RailLayout } from "./layout";
import type { Held } from "./view";
import type { Zone } from "./zone";

/** stale: older than its own target. dead: three times that, or never heard. */
export type FeedState = "current" | "stale" | "dead";

export interface Feed {
  name: string;
  owner: string;
  state: FeedState;
  /** Seconds since its newest event; null where none was ever heard. */
  age: number | null;
}

/** What is doubtful about one number. */
export interface Doubt {
  state: "stale" | "dead";
  /** Nothing that feeds it speaks any more: there is no number. */
  blank: boolean;
  sentence: string;
}

const DEAD = 3;

/** What of a source is known; a number nobody has counts as a source that is not heard. */
export function feeds(rail: RailLayout, cells: ReadonlyMap<number, Held>): Map<string, Feed> {
  return new Map(rail.sources.map(({ name, cell, owner, freshness_s }) => {
    const age = cells.get(cell)?.value ?? null;
    const state = age === null || age > DEAD * freshness_s ? "dead" : age > freshness_s ? "stale" : "current";
    return [name, { name, owner, state, age }];
  }));
}

/** What a tile's sources make doubtful at second `s`; null where all of them are current. */
export function doubt(names: readonly string[], all: ReadonlyMap<string, Feed>, s: number, zone: Zone): Doubt | null {
  const mine = names.flatMap((name) => all.get(name) ?? []);
  const silent = mine.filter((f) => f.state !== "current");
  // The one that is silent longest is named; never heard is longer than anything.
  const worst = silent.sort((a, b) => (b.age ?? Infinity) - (a.age ?? Infinity))[0];
  if (!worst || worst.state === "current") return null;
  // Among several the name matters more than the owner, who stands on the rail.
  const several = mine.length > 1;
  const among = several ? ` from ${worst.name}` : "";
  const owner = several ? "" : `, ${worst.owner ? `owner ${worst.owner}` : "no owner named"}`;
  const dead = worst.state === "dead";
  const blank = mine.every((f) => f.state === "dead");
  if (worst.age === null) return { state: "dead", blank, sentence: `no feed${among} yet${owner}` };
  const at = s - worst.age;
  const sentence = dead
    ? `no feed${among} since ${zone.minute(at)}${owner}`
    : `last${among} ${zone.second(at)}, ${ago(worst.age)}`;
  return { state: worst.state, blank, sentence };
}
