// What the desk knows, in one object. Parts read it with `use` and are drawn again when it changes.
import { useLayoutEffect, useState } from "./html.js";

const listeners = new Set();

export const state = {
  me: undefined, // undefined: not asked yet; null: nobody is signed in
  agent: null, // this agent's row, as the event `agent` tells it
  queues: [],
  reasons: [],
  skew: 0, // seconds the server's clock is ahead of this one
  connected: false,
  // {offer, contact, queue, title, channel, ringing, talk}: the work in hand, keyed by its offer;
  // `talk` is how the call stands, as the event `call` tells it
  pop: null,
  contact: null, // all of the contact of `pop`
  customer: null,
  announcements: [],
  view: "contact",
  dialog: "",
  notice: null, // {text, bad}
  chats: {},
  floor: null, // {queues, agents: by extension}, while somebody who leads looks at it
  imports: [], // files of customers, the latest first
};

export function set(changes) {
  Object.assign(state, changes);
  for (const listener of listeners) listener();
}

export function use() {
  const [, again] = useState(0);
  useLayoutEffect(() => {
    const listener = () => again((count) => count + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return state;
}

export function notify(text, bad = false) {
  set({ notice: text ? { text, bad, at: Date.now() } : null });
}
