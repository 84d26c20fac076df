// A conversation that survives its connection: what was written is sent until it is kept, and what
// was missed is asked for. Nothing is shown twice: messages have numbers.
const FIRST_PAUSE = 500, LONGEST_PAUSE = 10000;
const LAPSED = 4401; // the site's word for its visitor is over
const VOUCHED = "id-"; // so a token begins that goes with the site's word
const whose = (token) => token.split(".")[0];

export class Line {
  // `on` has fresh(), greeting(texts), message(m), kept(id, seq), state(s), connection(up), refused(r),
  // typing(), ringing(r), links(l), wait(w), lapsed(): open() with a fresh word goes on, another(): the
  // site's word is for somebody else by now.
  constructor(site, store, on) {
    this.site = site;
    this.store = store;
    this.on = on;
    this.hello = {};
    this.last = 0;
    this.chat = "";
    this.token = store.get("token") || "";
    this.unsent = JSON.parse(store.get("unsent") || "[]");
    this.pause = FIRST_PAUSE;
    this.socket = null;
    this.stopped = false;
    this.welcome = false; // whether the server knows us on this connection
    this.wanted = false; // whether a conversation is to begin though nothing was written yet
  }

  open(hello) {
    this.hello = hello;
    this.stopped = false;
    this.#connect();
  }

  say(text) {
    const id = crypto.randomUUID ? crypto.randomUUID() : String(Date.now()) + Math.random().toString(36).slice(2);
    this.unsent.push({ id, text });
    this.#remember();
    this.#send({ type: "say", id, text });
    return id;
  }

  tell(what) {
    if (this.chat || what.type === "ring_me") this.#send(what);
  }

  // Begin without a word: the form was sent, or a file is to be attached.
  begin() {
    this.wanted = true;
    this.#send({ type: "begin" });
  }

  // A new conversation: the browser stays the same visitor.
  renew() {
    this.last = 0;
    this.unsent = [];
    this.#remember();
    this.socket?.close();
    this.#connect();
  }

  // Whoever was here has signed out of the site: nothing of theirs stays in this browser.
  leave() {
    this.stopped = true;
    this.socket?.close();
    this.chat = this.token = "";
    this.welcome = this.wanted = false;
    this.last = 0;
    this.unsent = [];
    this.#remember();
    for (const name of ["token", "chat"]) this.store.set(name, "");
  }

  #remember() {
    this.store.set("unsent", JSON.stringify(this.unsent.slice(-50)));
  }

  #send(what) {
    if (this.welcome && this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(what));
  }

  #connect() {
    clearTimeout(this.timer);
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/widget/talk`);
    this.socket = socket;
    this.chat = "";
    this.welcome = false;
    socket.addEventListener("open", () => {
      const hello = { type: "hello", site: this.site, token: this.token, chat: this.store.get("chat") || "", after: this.last, ...this.hello };
      socket.send(JSON.stringify(hello));
    });
    socket.addEventListener("message", (event) => this.#hear(JSON.parse(event.data)));
    socket.addEventListener("close", (closed) => {
      if (this.socket !== socket || this.stopped) return;
      this.chat = "";
      this.welcome = false;
      if (closed.code === LAPSED) return void this.on.lapsed();
      this.on.connection(false);
      this.timer = setTimeout(() => this.#connect(), this.pause * (0.5 + Math.random() / 2));
      this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
    });
  }

  #hear(told) {
    switch (told.type) {
      case "welcome":
        if (this.token.startsWith(VOUCHED) && whose(this.token) !== whose(told.token)) {
          this.unsent = []; // nobody's words are sent as another's
          this.#remember();
          this.on.another();
        }
        if (!told.chat || told.chat !== this.store.get("chat")) {
          this.last = 0;
          this.on.fresh();
        }
        this.store.set("chat", told.chat);
        this.chat = told.chat;
        this.welcome = true;
        this.token = told.token;
        this.store.set("token", told.token);
        this.pause = FIRST_PAUSE;
        this.on.connection(true);
        if (told.greeting) this.on.greeting(told.greeting);
        for (const message of told.messages) this.#show(message);
        this.on.state(told);
        if (this.chat) this.wanted = false;
        if (this.wanted) this.#send({ type: "begin" });
        for (const { id, text } of this.unsent) this.#send({ type: "say", id, text });
        break;
      case "message":
        if (told.seq > this.last + 1) this.socket.close(); // something was missed: ask for it
        else this.#show(told);
        break;
      case "kept":
        this.unsent = this.unsent.filter((each) => each.id !== told.id);
        this.#remember();
        this.on.kept(told.id, told.seq);
        break;
      case "wait":
        this.on.wait(told);
        setTimeout(() => {
          if (this.wanted) this.#send({ type: "begin" });
          for (const each of this.unsent) this.#send({ type: "say", ...each });
        }, 3000);
        break;
      case "refused":
        if (told.id) {
          this.unsent = this.unsent.filter((each) => each.id !== told.id);
          this.#remember();
        } else this.stopped = true;
        this.on.refused(told);
        break;
      case "state": this.on.state(told); break;
      case "typing": this.on.typing(); break;
      case "ringing": this.on.ringing(told); break;
      case "links": this.on.links(told.links); break;
    }
  }

  #show(message) {
    if (message.seq <= this.last) return;
    this.last = message.seq;
    this.on.message(message);
  }
}
