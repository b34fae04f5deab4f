// The demo's gestures: what a presenter does to the simulated company. GET and POST /v1/demo.
import { read, send } from "./layout";
import type { BoardPage } from "./layout";

export interface Scene {
  payments_failing: boolean;
  sources: { source: string; stopped: boolean }[];
  /** How the engine is, in a word and in a sentence. */
  engine: { state: string; words: string };
}

export const scene = async (): Promise<Scene> => (await read<Scene>("/v1/demo")).body;

export function play(gesture: string, source?: string): Promise<Scene> {
  return send<Scene>(`/v1/demo/${gesture}`, JSON.stringify(source === undefined ? {} : { source }), "application/json");
}

/** Whether the engine is on its way back, so that it is worth looking again soon. */
export const returning = (scene: Scene | null): boolean => ["reviving", "counting"].includes(scene?.engine.state ?? "");

/** What happened, and what to look at now. */
export function expect(gesture: string, source: string, page: BoardPage): string {
  if (gesture === "break_payments") return "Payments fail now. Watch Payment errors, then the queues: chat first, then voice.";
  if (gesture === "mend_payments") return "Payments work again. Payment errors fall within 5 minutes, the queues after them.";
  if (gesture === "kill_engine") return "All that was in memory is gone, unsaved. The company goes on sending.";
  const tiles = page.layout.tiles.filter((t) => t.sources?.includes(source)).map((t) => t.label);
  if (gesture === "start_source") return `${source} sends again. What it held back comes late, and numbers are restated.`;
  const after = page.layout.rail.sources.find((s) => s.name === source)?.freshness_s ?? 0;
  const what = tiles.length > 0 ? `: ${tiles.join(", ")}` : "";
  return `${source} sends nothing now. After ${after} s without it its tiles go stale, after ${3 * after} s its feed counts as dead${what}.`;
}

export const EVENT_TYPE = "application/cloudevents+json";

/** One event as a stranger would send it; `n` makes its customer and its id new. */
export function event(n: string): string {
  return JSON.stringify({
    specversion: "1.0", id: `by-hand-${n}`, source: "by-hand", type: "cx.view.page_viewed.v1",
    subject: `visitor:${n}`, data: { channel: "web" },
  });
}

/** The command that sends just this body, for a POSIX shell; the body has no single quote. */
export function curl(origin: string, body: string): string {
  return `curl -sS ${origin}/v1/events \\\n  -H 'content-type: ${EVENT_TYPE}' \\\n  -d '${body}'`;
}
