// Who is signed in; whoever is not is led to the sign-in, and back.
import { read, Refused, send } from "./layout";

/** Answer of GET /v1/session. */
export interface Session {
  mode: "open" | "closed";
  name: string;
  role: string;
  boards: string[];
  /** Until when, ms since 1970; null: until it is revoked. */
  until: number | null;
  rights: string[];
}

/** A display that was let in. */
export interface Device {
  device: string;
  name: string;
  boards: string[];
  by: string;
  /** Seconds since 1970. */
  issued: number;
  until: number;
}

/** Answer of POST /v1/pairings: what a screen shows, and what it keeps. */
export interface Pairing {
  code: string;
  claim: string;
  holds_s: number;
}

/** Who asks; null: nobody who is known here. */
export async function session(): Promise<Session | null> {
  try {
    return (await read<Session>("/v1/session")).body;
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return null;
    throw error;
  }
}

export const signIn = (name: string, password: string): Promise<Session> =>
  send("/v1/session", JSON.stringify({ name, password }), "application/json");

export const pair = (): Promise<Pairing> => send("/v1/pairings", "", "application/json");

/** The board that somebody gave this screen; null: nobody yet. */
export const claim = async (of: Pairing): Promise<string | null> =>
  (await send<{ board: string | null }>("/v1/pairings/claim", JSON.stringify({ claim: of.claim }), "application/json")).board;

export const devices = async (): Promise<Device[]> => (await read<{ devices: Device[] }>("/v1/devices")).body.devices;

export const admit = (code: string, name: string, board: string): Promise<unknown> =>
  send("/v1/devices", JSON.stringify({ code, name, board }), "application/json");

/** Ends a session (`/v1/session`) or a display's stay (`/v1/devices/…`). */
export async function end(path: string): Promise<void> {
  const answer = await fetch(path, { method: "DELETE" });
  if (!answer.ok) throw new Refused(answer.status, `answer ${answer.status}`);
}

/** Where to go after the sign-in: a page of this house, and of no other. */
export function back(search: string): string {
  const to = new URLSearchParams(search).get("to") ?? "";
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(to) ? to : "/";
}

/** To the sign-in, and back to the page that is open now. */
export function leave(): void {
  location.replace(`/sign-in?${new URLSearchParams({ to: location.pathname })}`);
}

/** A stream was closed: leaves where whoever looks is not let in any more; else it may be tried again. */
export async function ended(): Promise<void> {
  const now = await session().catch(() => undefined);
  if (now === null) leave();
}
