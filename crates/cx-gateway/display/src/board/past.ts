// The wall as it was sealed at some minute: read, verified by its digest, and where to go from there.
import { type BoardPage, read, Refused } from "./layout";
import { NO_TREND, type Trend } from "./trend";
import { type Held, View } from "./view";

/** A kept second of the board. */
export interface Past {
  s: number;
  g: string;
  /** Whether its numbers add up to the digest. */
  verified: boolean;
  cells: ReadonlyMap<number, Held>;
  trend: Trend;
}

const MINUTE = 60;
const QUARTER = 900;
const WEEK = 7 * 86_400;
/** Nobody leaves a wall in the past by accident: it returns by itself after this long without a step, ms. */
export const RETURN_MS = 300_000;

/** Reads the board as sealed at `s`, or at the kept second that is nearest to it. */
export async function past(board: string, s: number): Promise<Past> {
  const path = `/v1/boards/${board}`;
  const page = await nearest(path, s);
  const trend = await read<Trend>(`${path}/trend?to=${page.s}`).then((t) => t.body, () => NO_TREND);
  const view = new View();
  const known = new Set(page.values.map(([id]) => id));
  const cells = page.cells.filter(([id]) => known.has(id));
  const verified = view.apply({
    op: "view", mode: "snapshot", epoch: page.epoch, seq: 0, s: page.s, cells, values: page.values, g: page.g,
  });
  return { s: page.s, g: page.g, verified, cells: view.cells, trend };
}

async function nearest(path: string, s: number): Promise<BoardPage> {
  try {
    return (await read<BoardPage>(`${path}?s=${s}`)).body;
  } catch (error) {
    if (!(error instanceof Refused) || error.nearest === undefined) throw error;
    return (await read<BoardPage>(`${path}?s=${error.nearest}`)).body;
  }
}

/** The whole minute `minutes` after second `s`; before it where negative. */
export function minutesFrom(s: number, minutes: number): number {
  const whole = minutes < 0 ? Math.ceil(s / MINUTE) : Math.floor(s / MINUTE);
  return (whole + minutes) * MINUTE;
}

/** Where a step goes that found nothing new: older times are kept by quarters of an hour only. */
export function quarterFrom(s: number, forward: boolean): number {
  return (forward ? Math.floor(s / QUARTER) + 1 : Math.ceil(s / QUARTER) - 1) * QUARTER;
}

/** Steps from second `s`; null where nothing further is kept on that side. */
export async function stepped(board: string, s: number, minutes: number): Promise<Past | null> {
  const forward = minutes > 0;
  for (const to of [minutesFrom(s, minutes), quarterFrom(s, forward)]) {
    const found = await past(board, to);
    if (forward ? found.s > s : found.s < s) return found;
  }
  return null;
}

/** What is asked for to compare the minutes up to `s` with those of a week before. */
export function weekBefore(s: number, minutes: number): string {
  const to = Math.floor(s / QUARTER) * QUARTER - WEEK;
  return `from=${to - minutes * MINUTE}&to=${to}&step=${QUARTER}`;
}

/** Values of last week moved under this week's minutes; null where none was kept. */
export function moved(week: Trend, cell: number, s: readonly number[]): (number | null)[] {
  const at = new Map(week.s.map((then, i) => [then + WEEK, week.values[cell]?.[i] ?? null]));
  return s.map((now) => at.get(now) ?? null);
}

/** The value a week before the newest quarter of an hour up to `s`. */
export function lastWeek(week: Trend, cell: number, s: number): { s: number; value: number | null } | null {
  const then = Math.floor(s / QUARTER) * QUARTER - WEEK;
  const i = week.s.indexOf(then);
  return i < 0 ? null : { s: then, value: week.values[cell]?.[i] ?? null };
}
