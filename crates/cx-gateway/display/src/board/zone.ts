// Times of day in the board's zone, never the browser's.
export type Clock = (seconds: number) => string;

export interface Zone {
  /** `14:02` */
  minute: Clock;
  /** `14:02:11` */
  second: Clock;
  /** `Tue 24 Nov` */
  day: Clock;
}

/** Formatters are made once per zone: making one each tick costs more than the wall's frame. */
export function zone(name: string): Zone {
  const style = { timeZone: name, hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const minute = new Intl.DateTimeFormat("en-GB", style);
  const second = new Intl.DateTimeFormat("en-GB", { ...style, second: "2-digit" });
  const day = new Intl.DateTimeFormat("en-GB", { timeZone: name, weekday: "short", day: "numeric", month: "short" });
  return {
    day: (s) => day.format(new Date(s * 1000)).replace(",", ""),
    minute: (s) => minute.format(new Date(s * 1000)),
    second: (s) => second.format(new Date(s * 1000)),
  };
}
