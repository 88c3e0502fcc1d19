// The page around the pictures: slider, timeline, switches, keys.
"use strict";

const byId = (id) => document.getElementById(id);

class Page {
  constructor(episode) {
    this.episode = episode;
    this.look = { anchor: episode.start, cloud: true, past: false, path: true, through: false, hidden: new Set(), byEntity: false };
    this.look.colourOf = (position, entity) =>
      this.look.byEntity ? entityColour(episode.entities.findIndex((one) => one.id === entity)) : timeColour(position);
    this.picture = new Picture(byId("picture"), episode, this.look);
    this.space = episode.is_3d ? new Space(byId("space"), episode, this.look, () => this.show()) : null;
    this.buildLegend();
    this.buildTimeline();
    this.listen();
    const redraw = new ResizeObserver(() => this.draw());
    document.querySelectorAll("canvas").forEach((canvas) => redraw.observe(canvas));
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.show();
    document.body.dataset.ready = "yes";
  }

  get frame() { return this.episode.anchors[this.look.anchor].frame; }

  time(frame) { return this.episode.fps_hz ? `${(frame / this.episode.fps_hz).toFixed(2)} s` : "clock unknown"; }

  listen() {
    const slider = byId("slider");
    slider.max = this.episode.anchors.length - 1;
    slider.oninput = () => this.go(+slider.value);
    byId("play").onclick = () => this.toggle();
    for (const name of ["cloud", "past", "path", "through", "byEntity"]) {
      const box = byId(name);
      if (box) box.onchange = () => { this.look[name] = box.checked; this.show(); };
    }
    if (byId("reset")) byId("reset").onclick = () => { this.space.reset(); this.show(); };
    byId("theme").onclick = () => this.changeTheme();
    window.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SUMMARY") return;
    const last = this.episode.anchors.length - 1, here = this.look.anchor;
    const isSlider = event.target.id === "slider";
    const flip = (name) => { const box = byId(name); if (box) { box.checked = !box.checked; box.onchange(); } };
    const actions = {
      " ": () => this.toggle(), Home: () => this.go(0), End: () => this.go(last),
      ArrowLeft: () => this.go(here - 1), ArrowRight: () => this.go(here + 1),
      PageUp: () => this.goToEvent(-1), PageDown: () => this.goToEvent(1),
      e: () => flip("byEntity"), p: () => flip("past"), c: () => flip("cloud"), k: () => flip("path"), v: () => flip("through"),
      r: () => this.space && byId("reset").onclick(), d: () => this.changeTheme(),
    };
    const action = actions[event.key];
    if (!action || (isSlider && event.key.startsWith("Arrow")) || (event.key === " " && event.target.tagName === "BUTTON")) return;
    event.preventDefault();
    action();
  }

  go(place) {
    this.look.anchor = Math.max(0, Math.min(this.episode.anchors.length - 1, place));
    this.show();
  }

  // the anchor nearest to a frame; the earlier one of two
  goToFrame(frame) {
    const away = this.episode.anchors.map((anchor) => Math.abs(anchor.frame - frame));
    this.go(away.indexOf(Math.min(...away)));
  }

  goToEvent(direction) {
    const starts = this.episode.events.map((event) => event.start);
    const next = direction > 0 ? starts.find((start) => start > this.frame) : starts.reverse().find((start) => start < this.frame - 1);
    if (next !== undefined) this.goToFrame(next);
  }

  toggle() {
    this.playing = !this.playing;
    byId("play").textContent = this.playing ? "❚❚" : "▶";
    if (this.playing) this.tick();
  }

  // at the pace of the clock, where it is known
  tick() {
    if (!this.playing) return;
    const { anchors, fps_hz } = this.episode, here = this.look.anchor;
    const next = (here + 1) % anchors.length;
    const gap = next ? anchors[next].frame - anchors[here].frame : 5;
    this.go(next);
    setTimeout(() => requestAnimationFrame(() => this.tick()), Math.max(40, Math.min(1000, (1000 * gap) / (fps_hz || 10))));
  }

  changeTheme() {
    const root = document.documentElement;
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    this.draw();
  }

  show() {
    const { episode, frame } = this, anchor = episode.anchors[this.look.anchor];
    byId("slider").value = this.look.anchor;
    if (byId("through")) byId("through").checked = this.look.through;
    byId("where").textContent = `frame ${frame} of ${episode.n_frames - 1} · ${this.time(frame)}`;
    byId("count").textContent = `${anchor.future.rows} traces`;
    const share = (value) => `${(100 * value) / episode.n_frames}%`;
    byId("head").style.left = share(frame + 0.5);
    const inside = (one) => one.start <= frame && frame <= one.end;
    document.querySelectorAll(".event").forEach((node) => node.classList.toggle("now", inside(node.range)));
    const event = episode.events.find(inside);
    byId("caption").textContent = event ? event.texts[0] : "No event here.";
    byId("others").textContent = event ? event.texts.slice(1).filter((text) => text && text !== event.texts[0]).map((text) => `“${text}”`).join("  ") : "";
    byId("skills").textContent = event ? event.skills.join(", ") : "";
    this.buildLegend();
    this.draw();
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.picture.draw();
      if (this.space) this.space.draw();
    });
  }

  buildLegend() {
    byId("ofTime").hidden = this.look.byEntity;
    const row = byId("ofEntity");
    row.hidden = !this.look.byEntity;
    if (!this.look.byEntity) return;
    const here = new Map();
    for (const id of this.episode.anchors[this.look.anchor].entity) here.set(id, (here.get(id) || 0) + 1);
    row.replaceChildren(...this.episode.entities.map(({ id }, place) => {
      const button = document.createElement("button");
      button.className = "entity";
      button.style.setProperty("--own", entityColour(place));
      button.classList.toggle("off", this.look.hidden.has(id));
      button.textContent = `entity ${id} · ${here.get(id) || 0}`;
      button.title = "Hide or show this entity";
      button.onclick = () => { this.look.hidden.delete(id) || this.look.hidden.add(id); this.show(); };
      return button;
    }));
  }

  buildTimeline() {
    const { episode } = this, share = (value) => `${(100 * value) / episode.n_frames}%`;
    const block = (one, lane, kind, text) => {
      const node = document.createElement("button");
      node.className = `event ${kind}`;
      node.range = one;
      Object.assign(node.style, { left: share(one.start), width: share(one.end + 1 - one.start) });
      node.style.setProperty("--lane", lane);
      node.textContent = text;
      node.title = `frames ${one.start} to ${one.end}: ${text}`;
      node.onclick = (event) => { event.stopPropagation(); this.goToFrame(one.start); };
      return node;
    };
    const track = byId("track");
    const ends = [];
    episode.windows.forEach((one) => {
      let lane = ends.findIndex((end) => end < one.start);
      if (lane < 0) lane = ends.length;
      ends[lane] = one.end;
      one.lane = lane + 1;
    });
    episode.events.forEach((one, place) => track.append(block(one, 0, place % 2 ? "odd" : "even", one.texts[0])));
    const shown = episode.windows.filter((one) => one.lane <= 3);
    shown.forEach((one) => track.append(block(one, one.lane, "window", `${one.kind}: ${one.texts[0]}`)));
    const lanes = (episode.events.length ? 1 : 0) + Math.max(0, ...shown.map((one) => one.lane));
    track.style.setProperty("--lanes", lanes);
    byId("words").hidden = !episode.events.length;
    const go = (event) => {
      const box = track.getBoundingClientRect();
      this.goToFrame(Math.floor(((event.clientX - box.left) / box.width) * episode.n_frames));
    };
    track.onclick = go;
    this.drawCurve(share);
  }

  // mean acceleration of the moving points, and a scale of seconds or frames
  drawCurve(share) {
    const { acceleration, n_frames, fps_hz } = this.episode;
    const most = Math.max(...acceleration, 1e-9);
    const points = acceleration.map((value, frame) => `${((100 * (frame * n_frames)) / acceleration.length + 50) / n_frames},${22 - (20 * value) / most}`);
    byId("curve").setAttribute("points", `0,22 ${points.join(" ")} 100,22`);
    const total = fps_hz ? n_frames / fps_hz : n_frames, unit = fps_hz ? " s" : "";
    const rough = total / 8, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((value) => value * power >= rough);
    for (let at = 0; at < 0.97 * total; at += step) {
      const tick = document.createElement("span");
      tick.style.left = share(at * (fps_hz || 1));
      tick.textContent = `${+at.toFixed(3)}${unit}`;
      byId("ticks").append(tick);
    }
  }
}

window.addEventListener("DOMContentLoaded", async () => {
  if (typeof DecompressionStream === "undefined") {
    byId("caption").textContent = "This browser is too old to open the page: it needs Chrome 80, Firefox 113, Safari 16.4 or newer.";
    return;
  }
  const packed = JSON.parse(byId("episode").textContent);
  window.mu0 = new Page(await openEpisode(packed));
});
