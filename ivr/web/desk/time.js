// Timers: the server tells moments, the desk shows what has passed since, by the server's clock.
import { useEffect, useState } from "./html.js";
import { state } from "./store.js";

export const now = () => Date.now() / 1000 + state.skew;

export function useNow() {
  const [moment, set] = useState(now());
  useEffect(() => {
    const timer = setInterval(() => set(now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return moment;
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = `${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

export function moment(at, language) {
  if (!at) return "";
  const shape = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(language, { ...shape, hourCycle: "h23" }).format(new Date(at * 1000));
}

export function hour(at, language) {
  const shape = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(language, shape).format(new Date(at * 1000));
}
