// The event stream: one WebSocket that comes back by itself and says where it was cut.

const FIRST = 500;
const LONGEST = 8000;

export class Stream {
  // `on` is called with every event; `changed` with whether the stream is there; `over` when the
  // session has ended.
  constructor({ on, changed, over }) {
    this.on = on;
    this.changed = changed;
    this.over = over;
    this.after = "";
    this.pause = FIRST;
    this.stopped = false;
  }

  start() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const after = encodeURIComponent(this.after);
    this.socket = new WebSocket(`${scheme}//${location.host}/api/events?after=${after}`);
    this.socket.onmessage = (message) => this.take(JSON.parse(message.data));
    this.socket.onclose = (closed) => this.lost(closed.code);
  }

  take(event) {
    if (event.type === "hello") {
      this.epoch = event.epoch;
      this.pause = FIRST;
      this.changed(true);
    }
    if (event.seq !== undefined) this.after = `${this.epoch}-${event.seq}`;
    this.on(event);
  }

  lost(code) {
    this.changed(false);
    if (this.stopped) return;
    if (code === 4401) {
      this.over();
      return;
    }
    this.timer = setTimeout(() => this.start(), this.pause);
    this.pause = Math.min(LONGEST, this.pause * 2);
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    if (this.socket) this.socket.close();
  }
}
