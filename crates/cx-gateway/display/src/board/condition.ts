// What the house says of itself: how far it has come after a start, what it lacks, what must be mended.

/** Answer of GET /readyz. */
export interface Ready {
  ready: boolean;
  recovering?: { read: number; of: number; percent: number; left_s?: number; partitions: number[] };
  data_gaps: { partition: number; from: number; to: number }[];
  alarms: string[];
}

/** How often the house is asked, ms; more often while it recovers. */
export const ASK_MS = 5_000;
export const RECOVERING_MS = 1_000;

/** Asks the house; null where it does not answer. A house that is not ready answers 503 with the same words. */
export async function ask(): Promise<Ready | null> {
  const answer = await fetch("/readyz").catch(() => null);
  const body = (await answer?.json().catch(() => null)) as Partial<Ready> | null | undefined;
  return body && Array.isArray(body.alarms) && Array.isArray(body.data_gaps) ? (body as Ready) : null;
}

/** Answer of GET /v1/screens. */
export interface Screens {
  screens: number;
  proven: number;
}

/** Asks how many screens prove what they show; null where nobody says. */
export async function counted(): Promise<Screens | null> {
  const answer = await fetch("/v1/screens").catch(() => null);
  const body = (await answer?.json().catch(() => null)) as Partial<Screens> | null | undefined;
  return answer?.ok && typeof body?.screens === "number" && typeof body.proven === "number" ? (body as Screens) : null;
}

/** "12 of 12", or "" where nobody says. */
export function proofs(now: Screens | null): string {
  return now?.screens ? `${now.proven} of ${now.screens}` : "";
}

/** How far it has come after a start; "" where it is not recovering. */
export function recovering(now: Ready | null): string {
  const found = now?.recovering;
  if (!found) return "";
  const left = found.left_s === undefined ? "" : `, about ${span(found.left_s)} left`;
  return `recovering: ${found.percent} % read${left}`;
}

function span(seconds: number): string {
  return seconds < 120 ? `${Math.max(1, seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** What every number lacks; "" where nothing is missing. */
export function missing(now: Ready | null): string {
  const [gap, ...more] = now?.data_gaps ?? [];
  if (!gap) return "";
  const others = more.length === 0 ? "" : ` and of ${more.length} more`;
  return `records are missing: offsets ${gap.from} to ${gap.to - 1} of partition ${gap.partition}${others}; somebody must acknowledge it`;
}

/** What must be mended though the numbers are right; "" where nothing must. */
export function alarm(now: Ready | null): string {
  const [first, ...more] = now?.alarms ?? [];
  if (first === undefined) return "";
  return more.length === 0 ? first : `${first} (and ${more.length} more)`;
}
