// Interactive 3D scenes on a plain 2D canvas: no library, no network, no GPU needed.
//
// A scene is one moment: the coloured point cloud of the anchor frame and traces [m] in that camera's frame
// (x right, y down, z forward). Every element <div class="mu0-scene" data-scene="N"> becomes a viewer of
// window.MU0_SCENES[N]. Drag orbits, shift-drag (or right drag) pans, the wheel zooms, double click resets.
"use strict";

const decode = (text, Kind) => {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new Kind(bytes.buffer);
};

// violet (now) to red (end): hue = .75 (1 - position), saturation .9, value .95
const timeColour = (position, alpha = 1) => {
  const hue = 270 * (1 - position);
  const lightness = 95 * (1 - 0.9 / 2);
  return `hsla(${hue},${90}%,${lightness}%,${alpha})`;
};

class Scene {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.layers = data.layers.map((layer) => ({ ...layer, xyz: decode(layer.xyz, Float32Array) }));
    this.cloud = data.cloud ? this.unproject(data.cloud) : null;
    this.steps = Math.max(...this.layers.map((layer) => layer.shape[2]));
    this.time = this.steps;
    this.sample = 0;
    this.playing = false;
    this.build();
    this.reset();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  unproject(cloud) {
    const depth = decode(cloud.depth_mm, Uint16Array);
    const colours = decode(cloud.rgb, Uint8Array);
    const [fx, fy, cx, cy] = cloud.intrinsics;
    const xyz = [], rgb = [];
    for (let i = 0; i < depth.length; i++) {
      if (!depth[i]) continue;
      const z = depth[i] / 1000, x = i % cloud.width, y = Math.floor(i / cloud.width);
      xyz.push(((x + 0.5 - cx) / fx) * z, ((y + 0.5 - cy) / fy) * z, z);
      rgb.push(colours[3 * i], colours[3 * i + 1], colours[3 * i + 2]);
    }
    return { xyz: new Float32Array(xyz), rgb: new Uint8Array(rgb) };
  }

  build() {
    const el = (tag, className, text) => {
      const node = document.createElement(tag);
      if (className) node.className = className;
      if (text !== undefined) node.textContent = text;
      return node;
    };
    const caption = el("div", "scene-caption");
    caption.append(el("b", "", this.data.title), el("span", "", this.data.instruction ? `“${this.data.instruction}”` : ""));
    this.canvas = el("canvas", "scene-canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `3D traces: ${this.data.title}`);
    const bar = el("div", "scene-bar");
    this.play = el("button", "", "▶");
    this.play.setAttribute("aria-label", "Play or pause");
    this.slider = el("input");
    Object.assign(this.slider, { type: "range", min: 1, max: this.steps, value: this.steps });
    this.slider.setAttribute("aria-label", "Time step");
    this.label = el("output");
    bar.append(this.play, this.slider, this.label);
    const options = el("div", "scene-options");
    this.layers.forEach((layer) => {
      const label = el("label");
      const box = el("input");
      box.type = "checkbox";
      box.checked = layer.visible = layer.shown !== false;
      box.onchange = () => { layer.visible = box.checked; this.draw(); };
      label.append(box, document.createTextNode(` ${layer.name}`));
      options.append(label);
    });
    const most = Math.max(...this.layers.map((layer) => layer.shape[0]));
    if (most > 1) {
      this.picker = el("select");
      this.picker.setAttribute("aria-label", "Sample");
      for (let s = 0; s < most; s++) this.picker.append(new Option(`sample ${s + 1}`, s));
      this.picker.append(new Option("all samples", -1));
      this.picker.onchange = () => { this.sample = +this.picker.value; this.draw(); };
      options.append(this.picker);
    }
    this.root.append(caption, this.canvas, bar, options);
    this.slider.oninput = () => { this.time = +this.slider.value; this.draw(); };
    this.play.onclick = () => this.toggle();
    this.listen();
  }

  listen() {
    let from = null;
    this.canvas.oncontextmenu = (event) => event.preventDefault();
    this.canvas.onpointerdown = (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      from = [event.clientX, event.clientY, event.shiftKey || event.button === 2];
    };
    this.canvas.onpointermove = (event) => {
      if (!from) return;
      const dx = event.clientX - from[0], dy = event.clientY - from[1];
      if (from[2]) { this.pan[0] += dx; this.pan[1] += dy; }
      else {
        this.yaw += dx * 0.008;
        this.pitch = Math.max(-1.5, Math.min(1.5, this.pitch + dy * 0.008));
      }
      from = [event.clientX, event.clientY, from[2]];
      this.draw();
    };
    this.canvas.onpointerup = this.canvas.onpointercancel = () => { from = null; };
    this.canvas.ondblclick = () => { this.reset(); this.draw(); };
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom *= Math.exp(-event.deltaY * 0.001);
      this.draw();
    }, { passive: false });
  }

  reset() {
    this.yaw = -0.35; this.pitch = 0.2; this.zoom = 1; this.pan = [0, 0];
    const source = this.layers.length ? this.layers[0].xyz : this.cloud.xyz;
    const sum = [0, 0, 0]; let n = 0;
    for (let i = 0; i + 2 < source.length; i += 3) {
      if (!Number.isFinite(source[i])) continue;
      for (let c = 0; c < 3; c++) sum[c] += source[i + c];
      n++;
    }
    this.centre = sum.map((value) => value / Math.max(n, 1));
  }

  toggle() {
    this.playing = !this.playing;
    this.play.textContent = this.playing ? "❚❚" : "▶";
    if (this.playing) this.tick();
  }

  tick() {
    if (!this.playing) return;
    this.time = this.time >= this.steps ? 1 : this.time + 1;
    this.slider.value = this.time;
    this.draw();
    setTimeout(() => requestAnimationFrame(() => this.tick()), 70);
  }

  // camera at the photographer's place, turned around the centre of the traces
  projector(width, height) {
    const [cx, cy, cz] = this.centre;
    const cosY = Math.cos(this.yaw), sinY = Math.sin(this.yaw);
    const cosP = Math.cos(this.pitch), sinP = Math.sin(this.pitch);
    const focal = this.data.focal * height * this.zoom;
    const [panX, panY] = this.pan;
    return (x, y, z) => {
      x -= cx; y -= cy; z -= cz;
      const x1 = cosY * x + sinY * z, z1 = -sinY * x + cosY * z;
      const y2 = cosP * y - sinP * z1, z2 = sinP * y + cosP * z1 + cz;
      if (z2 < 0.02) return null;
      return [width / 2 + (focal * x1) / z2 + panX, height / 2 + (focal * y2) / z2 + panY, z2];
    };
  }

  draw() {
    const scale = window.devicePixelRatio || 1;
    const width = Math.round(this.canvas.clientWidth * scale), height = Math.round(this.canvas.clientHeight * scale);
    if (!width || !height) return;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width; this.canvas.height = height;
    }
    const context = this.canvas.getContext("2d");
    const project = this.projector(width, height);
    this.label.textContent = `step ${this.time} / ${this.steps}`;
    this.drawCloud(context, project, width, height);
    context.lineCap = "round";
    for (const layer of this.layers) if (layer.visible) this.drawLayer(context, project, layer, scale);
  }

  drawCloud(context, project, width, height) {
    const image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    pixels.fill(0xff1a1512);
    if (this.cloud) {
      const nearest = new Float32Array(width * height).fill(Infinity);
      const { xyz, rgb } = this.cloud;
      const size = this.data.focal * height * this.zoom * this.data.cloud.spacing;
      for (let i = 0; i < xyz.length; i += 3) {
        const p = project(xyz[i], xyz[i + 1], xyz[i + 2]);
        if (!p) continue;
        const half = Math.max(1, Math.min(12, Math.ceil((0.75 * size * xyz[i + 2]) / p[2])));
        const colour = 0xff000000 | (rgb[i + 2] * 0.8) << 16 | (rgb[i + 1] * 0.8) << 8 | (rgb[i] * 0.8);
        const x0 = Math.max(0, Math.round(p[0]) - half), x1 = Math.min(width - 1, Math.round(p[0]) + half);
        const y0 = Math.max(0, Math.round(p[1]) - half), y1 = Math.min(height - 1, Math.round(p[1]) + half);
        for (let y = y0; y <= y1; y++)
          for (let x = x0; x <= x1; x++) {
            const at = y * width + x;
            if (p[2] < nearest[at]) { nearest[at] = p[2]; pixels[at] = colour; }
          }
      }
    }
    context.putImageData(image, 0, 0);
  }

  drawLayer(context, project, layer, scale) {
    const [samples, queries, steps] = layer.shape;
    for (let s = 0; s < samples; s++) {
      if (samples > 1 && this.sample >= 0 && s !== this.sample) continue;
      for (let q = 0; q < queries; q++) {
        context.globalAlpha = layer.opacity ? layer.opacity[q] : 1;
        let before = null;
        const last = Math.min(this.time, steps);
        for (let t = 0; t < last; t++) {
          const at = ((s * queries + q) * steps + t) * 3;
          const here = Number.isFinite(layer.xyz[at])
            ? project(layer.xyz[at], layer.xyz[at + 1], layer.xyz[at + 2]) : null;
          if (here && before) {
            context.strokeStyle = layer.colour || timeColour(t / Math.max(steps - 1, 1));
            context.lineWidth = scale * (layer.colour ? 1 : 1.8);
            context.beginPath();
            context.moveTo(before[0], before[1]);
            context.lineTo(here[0], here[1]);
            context.stroke();
          }
          if (here && t === last - 1) {
            context.fillStyle = layer.colour || timeColour(t / Math.max(steps - 1, 1));
            context.beginPath();
            context.arc(here[0], here[1], scale * (layer.colour ? 1.5 : 2.6), 0, 7);
            context.fill();
          }
          if (here) before = here;
        }
      }
    }
    context.globalAlpha = 1;
  }
}

window.addEventListener("DOMContentLoaded", () => {
  const begin = (node) => {
    if (node.mu0) return;
    node.mu0 = new Scene(node, window.MU0_SCENES[+node.dataset.scene]);
    node.mu0.draw();
  };
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { begin(entry.target); watcher.unobserve(entry.target); }
  }, { rootMargin: "200px" });
  document.querySelectorAll(".mu0-scene").forEach((node) => watcher.observe(node));
});
