// The one line that a site embeds. It adds a button and a frame, and nothing else to the page:
//   <script src="https://desk.example/widget/tieline.js" data-site="shop" async></script>
// data-identity is the site's signed word for its visitor, data-language overrides the browser's.
// window.tieline.open(), .close() and .ring(number) are for the site's own buttons.
(() => {
  const me = document.currentScript;
  if (!me || window.tieline) return;
  const home = new URL(me.src).origin;
  const site = me.dataset.site || "";
  const words = { en: ["Chat with us", "Close the chat"], zh: ["在线咨询", "关闭对话"] };
  const language = (me.dataset.language || navigator.language || "en").slice(0, 2).toLowerCase();
  const [openWord, closeWord] = words[language] || words.en;

  const style = (node, rules) => Object.assign(node.style, rules);
  const button = document.createElement("button");
  const frame = document.createElement("iframe");
  const badge = document.createElement("span");
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-label", openWord);
  button.textContent = "\u{1F4AC}";
  style(button, {
    position: "fixed", right: "20px", bottom: "20px", width: "56px", height: "56px",
    border: "0", borderRadius: "50%", font: "24px/1 system-ui, sans-serif", cursor: "pointer",
    color: "#fff", background: "#0b5c8a", boxShadow: "0 2px 10px rgba(0,0,0,.3)", zIndex: "2147483000",
  });
  style(badge, {
    position: "absolute", top: "-2px", right: "-2px", minWidth: "20px", height: "20px", display: "none",
    borderRadius: "10px", background: "#b3261e", color: "#fff", font: "bold 12px/20px system-ui, sans-serif",
  });
  button.append(badge);

  frame.title = openWord;
  frame.allow = "";
  frame.hidden = true;
  const narrow = window.matchMedia("(max-width: 480px)");
  const place = () => style(frame, {
    position: "fixed", border: "0", zIndex: "2147483001", background: "#fff", colorScheme: "light dark",
    boxShadow: "0 4px 24px rgba(0,0,0,.35)",
    ...(narrow.matches
      ? { inset: "0", width: "100%", height: "100%", borderRadius: "0" }
      : { inset: "auto 20px 88px auto", width: "370px", height: "min(560px, calc(100vh - 110px))", borderRadius: "12px" }),
  });
  narrow.addEventListener("change", place);
  place();

  const tell = (message) => frame.contentWindow && frame.contentWindow.postMessage(message, home);
  const hello = () => tell({
    tieline: "hello", identity: me.dataset.identity || "", language,
    page: location.pathname.slice(0, 300), open: !frame.hidden,
  });
  const show = (open) => {
    frame.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    button.setAttribute("aria-label", open ? closeWord : openWord);
    button.hidden = open && narrow.matches;
    if (open) { badge.style.display = "none"; frame.focus(); } else button.focus();
    tell({ tieline: "shown", open });
  };
  button.addEventListener("click", () => show(frame.hidden));
  window.addEventListener("message", (event) => {
    if (event.origin !== home || event.source !== frame.contentWindow) return;
    const told = event.data || {};
    if (told.tieline === "ready") {
      hello();
      if (/^#[0-9a-f]{6}$/i.test(told.colour || "")) button.style.background = told.colour;
    } else if (told.tieline === "close") show(false);
    else if (told.tieline === "news" && frame.hidden) {
      badge.textContent = String(told.count);
      badge.style.display = "block";
      button.setAttribute("aria-label", `${openWord} (${told.count})`);
    }
  });

  frame.src = `${home}/widget/frame?site=${encodeURIComponent(site)}`;
  const start = () => document.body.append(button, frame);
  document.body ? start() : addEventListener("DOMContentLoaded", start);
  window.tieline = {
    open: () => show(true),
    close: () => show(false),
    ring: (number) => { show(true); tell({ tieline: "ring", number: String(number || "") }); },
  };
})();
