// What a screen reader hears: changes of state, joined, at most one sentence in ten seconds.
export const EVERY_MS = 10_000;

/** Compares states with those told last; values are never among them. */
export class Announcer {
  #told = new Map<string, string>();
  #latest = new Map<string, string>();
  #waiting = new Map<string, string>();
  #spokeAt = Number.NEGATIVE_INFINITY;
  #primed = false;

  /** Takes what holds now: subject -> sentence ("" while normal). The first is not news. */
  note(states: ReadonlyMap<string, string>): void {
    const subjects = new Set([...this.#told.keys(), ...this.#waiting.keys(), ...states.keys()]);
    for (const subject of subjects) {
      const now = states.get(subject) ?? "";
      const before = this.#told.get(subject) ?? "";
      if (now === before) this.#waiting.delete(subject);
      else if (this.#primed) this.#waiting.set(subject, now || `${subject} back to normal`);
      if (!this.#primed) this.#told.set(subject, now);
    }
    this.#primed = true;
    this.#latest = new Map(states);
  }

  /** The sentence due at `now`, ms, or "" where there is nothing to say yet. */
  speak(now: number): string {
    if (this.#waiting.size === 0 || now - this.#spokeAt < EVERY_MS) return "";
    const sentence = `${[...this.#waiting.values()].join("; ")}.`;
    this.#told = new Map([...this.#latest].filter(([, words]) => words !== ""));
    this.#waiting.clear();
    this.#spokeAt = now;
    return sentence;
  }
}
