// Files of the conversation, as links. A link is good for some minutes: fresh ones are asked for
// while the page is open.
const FRESH_LINKS = 4 * 60 * 1000;

export class Files {
  // `tell` asks the server, `loaded` hears that a picture has come.
  constructor(tell, loaded) {
    this.tell = tell;
    this.loaded = loaded;
    this.links = new Map(); // id of a file -> its link
    this.asking = 0;
  }

  shown(file) {
    const link = document.createElement("a");
    link.target = "_blank";
    link.rel = "noopener";
    link.className = "file";
    if (file.type.startsWith("image/")) {
      const picture = document.createElement("img");
      picture.alt = file.name;
      picture.addEventListener("load", this.loaded);
      link.append(picture);
    } else link.textContent = `📄 ${file.name}`;
    this.links.set(file.id, link);
    this.ask();
    return link;
  }

  ask(after = 0) {
    clearTimeout(this.asking);
    if (this.links.size) this.asking = setTimeout(() => { this.tell({ type: "links" }); this.ask(FRESH_LINKS); }, after);
  }

  // Where they are.
  take(told) {
    for (const [id, link] of this.links) {
      if (!told[id]) continue;
      link.href = told[id];
      const picture = link.querySelector("img:not([src])");
      if (picture) picture.src = told[id];
    }
  }

  clear() {
    this.links.clear();
  }
}
