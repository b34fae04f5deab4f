// One wall's state: what was read once, what is heard each second, what is painted of it.
import { type AlertPage, ask as askAlerts, NO_ALERTS, SPREAD_MS as ALERTS_MS } from "./board/alerts";
import { ask, ASK_MS, counted, type Ready, RECOVERING_MS, type Screens } from "./board/condition";
import { type BoardPage, type Kpi, read, Refused } from "./board/layout";
import { type Past, past, RETURN_MS, stepped } from "./board/past";
import { Recent } from "./board/rail";
import { type Ear, type Heard, listen } from "./board/stream";
import { append, NO_TREND, type Trend } from "./board/trend";
import { type Frame, type Held, View } from "./board/view";

/** One moment of the board, as it is on the screen: never a mixture of two. */
export interface Paint {
  /** The sealed second; null for live values that are not sealed. */
  s: number | null;
  g: string;
  cells: ReadonlyMap<number, Held>;
}

/** Digits repaint at most once per second; a little less, so that the server's beat decides. */
const REPAINT_MS = 950;
const RETRY_MS = 2_000;
/** Somebody may have signed. */
const STATES_MS = 30_000;
/** A new program is fetched within this time, each screen at its own moment. */
const SPREAD_MS = 30_000;

export class WallState {
  page = $state.raw<BoardPage | null>(null);
  trend = $state.raw<Trend>(NO_TREND);
  heard = $state.raw<Heard | null>(null);
  paint = $state.raw<Paint>({ s: null, g: "", cells: new Map() });
  owners = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** The newest sealed second that was painted: it outlives a time without seals. */
  sealedAt = $state<number | null>(null);
  /** What the house says of itself; null before it answered, and while it does not. */
  house = $state.raw<Ready | null>(null);
  /** How many screens prove what they show; null where nobody said. */
  screens = $state.raw<Screens | null>(null);
  /** Beside the numbers, never in them: whose definition is not agreed. */
  states = $state.raw<Record<string, string>>({});
  rising = $state(false);
  /** What needs somebody, as the server told it last. */
  alerts = $state.raw<AlertPage>(NO_ALERTS);
  /** What is shown instead of now; null on a live wall. */
  past = $state.raw<Past | null>(null);
  /** Why a step into the past went nowhere, or "". */
  unreached = $state("");
  seeking = $state(false);
  failed = $state("");
  now = $state(Date.now());
  /** The server's clock minus ours, ms. */
  skew = $state(0);

  #board: string;
  #view = new View();
  #ear: Ear | null = null;
  #recent = new Recent();
  #paintedAt = 0;
  #pending = false;
  #loading = false;
  #epoch = "";
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #returning: ReturnType<typeof setTimeout> | undefined;

  constructor(board: string) {
    this.#board = board;
  }

  /** Starts reading and listening; the answer ends both. */
  start(): () => void {
    void this.#load();
    void this.#ask();
    void this.alarm();
    this.#later(STATES_MS, () => void this.#govern());
    this.#ear = listen(this.#board, this.#view, (heard, frame) => this.#hear(heard, frame));
    const beat = setInterval(() => (this.now = Date.now()), 250);
    const wake = (): void => {
      if (!document.hidden) this.#ear?.wake();
    };
    const when = ["online", "pageshow", "visibilitychange"] as const;
    for (const name of when) (name === "visibilitychange" ? document : window).addEventListener(name, wake);
    return () => {
      clearInterval(beat);
      clearTimeout(this.#returning);
      this.#ear?.stop();
      for (const timer of this.#timers) clearTimeout(timer);
      for (const name of when) (name === "visibilitychange" ? document : window).removeEventListener(name, wake);
    };
  }

  /** What is on the screen: the past where somebody rewound, else what was painted last. */
  get shown(): Paint {
    return this.past ?? this.paint;
  }

  /** Shows the board as sealed at `s`, or at the nearest second that is kept. */
  rewind(s: number): Promise<void> {
    return this.#seek(() => past(this.#board, s));
  }

  /** From the second that is shown; beyond the newest one the wall is live again. */
  step(minutes: number): Promise<void> {
    const s = this.shown.s ?? this.sealedAt;
    if (s === null) return Promise.resolve();
    if (minutes > 0 && this.sealedAt !== null && s + minutes * 60 >= this.sealedAt) {
      this.live();
      return Promise.resolve();
    }
    return this.#seek(() => stepped(this.#board, s, minutes));
  }

  live(): void {
    clearTimeout(this.#returning);
    this.past = null;
    this.unreached = "";
  }

  async #seek(find: () => Promise<Past | null>): Promise<void> {
    // Not disabled meanwhile: that would take the keyboard's focus away.
    if (this.seeking) return;
    this.seeking = true;
    try {
      const found = await find();
      if (found) this.past = found;
      this.unreached = found ? "" : "nothing further is kept";
      if (found && !found.verified) this.unreached = "these numbers do not add up to their digest";
    } catch (error) {
      this.unreached = error instanceof Refused ? error.message : "the server does not answer";
    }
    this.seeking = false;
    clearTimeout(this.#returning);
    if (this.past) this.#returning = setTimeout(() => this.live(), RETURN_MS);
  }

  /** The board as sealed at the second shown, for parts; the newest where that is gone. */
  async reread(): Promise<BoardPage> {
    const path = `/v1/boards/${this.#board}`;
    const s = this.shown.s;
    try {
      return (await read<BoardPage>(s === null ? path : `${path}?s=${s}`)).body;
    } catch (error) {
      if (error instanceof Refused && error.status === 404 && s !== null) {
        return (await read<BoardPage>(path)).body;
      }
      throw error;
    }
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  async #load(): Promise<void> {
    this.#loading = true;
    const path = `/v1/boards/${this.#board}`;
    try {
      const [page, trend] = await Promise.all([read<BoardPage>(path), read<Trend>(`${path}/trend`)]);
      // The header has whole seconds, hence half a second more; what is nearer counts as equal.
      const skew = page.date === null ? 0 : page.date + 500 - Date.now();
      this.skew = Math.abs(skew) < 1500 ? 0 : skew;
      this.trend = trend.body;
      this.page = page.body;
      this.states = page.body.states ?? {};
      this.failed = "";
      void this.#findOwners(page.body);
    } catch (error) {
      this.failed = error instanceof Refused ? error.message : "the server does not answer";
      this.#later(RETRY_MS, () => void this.#load());
    }
    this.#loading = false;
  }

  /** Reads the words of the alerts, whose states came with the frame; again where that fails. */
  async alarm(): Promise<void> {
    const page = await askAlerts().catch(() => null);
    if (page) this.alerts = page;
    else this.#later(RETRY_MS, () => void this.alarm());
  }

  async #ask(): Promise<void> {
    if (!document.hidden) [this.house, this.screens] = await Promise.all([ask(), counted()]);
    this.#later(this.house?.recovering ? RECOVERING_MS : ASK_MS, () => void this.#ask());
  }

  async #govern(): Promise<void> {
    const now = document.hidden ? null : await read<BoardPage>(`/v1/boards/${this.#board}`).catch(() => null);
    if (now) this.states = now.body.states ?? {};
    this.#later(STATES_MS, () => void this.#govern());
  }

  async #findOwners(page: BoardPage): Promise<void> {
    const rail = page.layout.rail;
    const tiles = page.layout.tiles.map((t) => t.cell);
    const cells = [...tiles, ...rail.overdue.map((o) => o.cell), rail.dead_letters?.cell];
    const kpis = new Set(page.cells.filter(([id]) => cells.includes(id)).map((c) => c[1]));
    const found = await Promise.all([...kpis].map(async (kpi): Promise<[string, string][]> => {
      // A name in the rail is worth asking for, not worth failing for.
      const answer = await read<Kpi>(`/v1/kpis/${kpi}`).catch(() => null);
      const owner = answer?.body.owners?.business ?? answer?.body.owners?.technical;
      return owner ? [[kpi, owner]] : [];
    }));
    this.owners = new Map(found.flat());
  }

  #hear(heard: Heard, frame: Frame): void {
    this.heard = heard;
    if (heard.skew !== null) this.skew = heard.skew;
    if (frame.op === "view" && frame.epoch !== undefined) this.#live(frame.epoch);
    // Cells came or went: layout and words may be new, too.
    const others = (frame.cells?.length ?? 0) + (frame.gone?.length ?? 0) > 0;
    if (this.page && others && frame.mode !== "snapshot") void this.#load();
    if (!heard.verified) return;
    if (frame.alerts) this.#later(Math.random() * ALERTS_MS, () => void this.alarm());
    if (this.#pending) return;
    const wait = this.#paintedAt + REPAINT_MS - Date.now();
    this.#pending = wait > 0;
    if (this.#pending) this.#later(wait, () => this.#repaint());
    else this.#repaint();
  }

  /** Another life of the server: its cells, its words and its program may be new. */
  #live(epoch: string): void {
    if (this.#epoch && this.#epoch !== epoch) {
      void this.#load();
      this.#later(Math.random() * SPREAD_MS, () => void this.#renew());
    }
    this.#epoch = epoch;
  }

  /** Reloads the page only where a reachable server has another program than this one. */
  async #renew(): Promise<void> {
    const mine = document.querySelector("script[type=module]")?.getAttribute("src");
    const text = await fetch("/").then((a) => (a.ok ? a.text() : ""), () => "");
    const theirs = /<script[^>]*\ssrc="([^"]+)"/.exec(text)?.[1];
    if (mine && theirs && theirs !== mine) location.reload();
  }

  #repaint(): void {
    this.#pending = false;
    // Numbers that did not add up are never painted.
    if (!this.heard?.verified) return;
    // Under another epoch cells have other ids: nothing is painted until the layout is of the same one.
    if (this.page && this.page.epoch !== this.#view.epoch) {
      if (!this.#loading) void this.#load();
      return;
    }
    this.#paintedAt = Date.now();
    const s = this.#view.s;
    this.paint = { s, g: this.#view.digest, cells: new Map(this.#view.cells) };
    if (s === null) return;
    this.sealedAt = s;
    this.trend = append(this.trend, s, (cell) => this.#view.cells.get(cell)?.value ?? null);
    this.#count(s);
  }

  #count(s: number): void {
    const cell = this.page?.layout.rail.dead_letters?.cell;
    const value = cell === undefined ? null : (this.#view.cells.get(cell)?.value ?? null);
    if (value === null) return;
    this.rising = this.#recent.rising(value);
    this.#recent.push(s, value);
  }
}
