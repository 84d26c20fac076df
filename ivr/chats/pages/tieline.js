// The one line that a site embeds. It adds a button and a frame, and nothing else to the page:
//   <script src="https://desk.example/widget/tieline.js" data-site="shop" async></script>
// data-identity is the site's signed word for its visitor, data-identity-url where there is a fresh one;
// data-language overrides the browser's.
// window.tieline.open(), .close() and .ring(number) are for the site's own buttons; .leave() tells that
// the visitor has signed out.
(() => {
  const me = document.currentScript;
  if (!me || window.tieline) return;
  const home = new URL(me.src).origin;
  const site = me.dataset.site || "";
  const words = { en: ["Chat with us", "Close the chat", "new"], zh: ["在线咨询", "关闭对话", "条新消息"] };
  const language = (me.dataset.language || navigator.language || "en").slice(0, 2).toLowerCase();
  const [openWord, closeWord, newWord] = words[language] || words.en;

  // Inside a shadow tree the page's style reaches nothing, and a sheet made by script needs no leave
  // of its content policy.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial !important; }
    [hidden] { display: none !important; }
    button {
      all: unset; box-sizing: border-box; position: fixed; right: 20px; bottom: 20px; width: 56px; height: 56px;
      border-radius: 50%; cursor: pointer; color: #fff; background: var(--colour, #0b5c8a); z-index: 2147483000;
      display: grid; place-items: center; box-shadow: 0 2px 10px rgb(0 0 0 / 35%);
    }
    button:focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 6px #0b57d0; }
    svg { width: 28px; height: 28px; fill: none; stroke: currentcolor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
    span {
      position: absolute; top: -3px; right: -3px; min-width: 20px; padding: 0 3px; box-sizing: border-box;
      border-radius: 10px; background: #b3261e; font: bold 12px/20px system-ui, sans-serif; text-align: center;
    }
    iframe {
      position: fixed; right: 20px; bottom: 88px; width: 380px; height: min(600px, calc(100vh - 108px)); border: 0;
      border-radius: 14px; box-shadow: 0 6px 30px rgb(0 0 0 / 35%); background: #fff; z-index: 2147483001;
      color-scheme: light dark;
    }
    @media (prefers-color-scheme: dark) { iframe { background: #16191d; } }
    @media (max-width: 480px) {
      iframe { inset: 0; width: 100%; height: 100%; border-radius: 0; }
      button[aria-expanded="true"] { display: none; }
    }
    @media print { button, iframe { display: none; } }`);

  const host = document.createElement("tieline-chat");
  const shadow = host.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [sheet];
  const button = document.createElement("button");
  const badge = document.createElement("span");
  const frame = document.createElement("iframe");
  const draw = (path) => {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(ns, "path");
    line.setAttribute("d", path);
    svg.append(line);
    button.replaceChildren(svg, badge);
  };
  const BUBBLE = "M4 5h16v11H10l-5 4v-4H4z M8 9.5h8 M8 12.5h5";
  const DOWN = "M5 9l7 7 7-7";
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-label", openWord);
  badge.hidden = true;
  badge.setAttribute("aria-hidden", "true");
  draw(BUBBLE);
  frame.title = openWord;
  frame.allow = "";
  frame.hidden = true;
  shadow.append(button, frame);

  const tell = (message) => frame.contentWindow && frame.contentWindow.postMessage(message, home);
  // A page of the site's login is no word: who is not signed in is a stranger.
  const WORD = /^[\w-]+\.[0-9a-f]{64}$/;
  const fresh = async () => {
    if (!me.dataset.identityUrl) return me.dataset.identity || "";
    try {
      const answer = await fetch(new URL(me.dataset.identityUrl, location.href), { cache: "no-store" });
      const word = answer.ok ? (await answer.text()).trim() : "";
      return WORD.test(word) ? word : "";
    } catch { return ""; }
  };
  const hello = async () => tell({
    tieline: "hello", identity: me.dataset.identity || (await fresh()), language,
    page: location.pathname.slice(0, 300), open: !frame.hidden,
  });
  const show = (open) => {
    frame.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    button.setAttribute("aria-label", open ? closeWord : openWord);
    draw(open ? DOWN : BUBBLE);
    if (open) {
      badge.hidden = true;
      frame.focus();
    } else button.focus();
    tell({ tieline: "shown", open });
  };
  button.addEventListener("click", () => show(frame.hidden));
  window.addEventListener("message", (event) => {
    if (event.origin !== home || event.source !== frame.contentWindow) return;
    const told = event.data || {};
    if (told.tieline === "ready") {
      if (/^#[0-9a-f]{6}$/i.test(told.colour || "")) host.style.setProperty("--colour", told.colour);
      hello();
    } else if (told.tieline === "identity") fresh().then((identity) => tell({ tieline: "identity", identity }));
    else if (told.tieline === "close" && !frame.hidden) show(false);
    else if (told.tieline === "news" && frame.hidden) {
      badge.textContent = String(told.count);
      badge.hidden = false;
      button.setAttribute("aria-label", `${openWord} (${told.count} ${newWord})`);
    }
  });

  frame.src = `${home}/widget/frame?site=${encodeURIComponent(site)}`;
  const start = () => document.body.append(host);
  document.body ? start() : addEventListener("DOMContentLoaded", start);
  window.tieline = {
    open: () => show(true),
    close: () => frame.hidden || show(false),
    leave: () => tell({ tieline: "leave" }),
    ring: (number) => { show(true); tell({ tieline: "ring", number: String(number || "") }); },
  };
})();
