// The scene in 3D on a plain 2D canvas: no library, no network, no GPU needed.
//
// World frame; the view starts behind the first camera. Drag orbits, shift-drag (or right drag) pans, the wheel
// comes closer, double click goes back. "Through the camera" looks from where the frame was taken.
"use strict";

const turn = (m, v) => [0, 1, 2].map((r) => m[r][0] * v[0] + m[r][1] * v[1] + m[r][2] * v[2]);
const back = (m, v) => [0, 1, 2].map((c) => m[0][c] * v[0] + m[1][c] * v[1] + m[2][c] * v[2]);
const times = (a, b) => a.map((row) => [0, 1, 2].map((c) => row[0] * b[0][c] + row[1] * b[1][c] + row[2] * b[2][c]));
const aboutX = (t) => [[1, 0, 0], [0, Math.cos(t), -Math.sin(t)], [0, Math.sin(t), Math.cos(t)]];
const aboutY = (t) => [[Math.cos(t), 0, Math.sin(t)], [0, 1, 0], [-Math.sin(t), 0, Math.cos(t)]];

class Space {
  constructor(canvas, episode, look, changed) {
    Object.assign(this, { canvas, episode, look, changed });
    this.base = this.poseOf(episode.anchors[0]);
    this.reset();
    this.listen();
  }

  poseOf(anchor) {
    const p = anchor.pose; // camera from world, rows
    const rotation = [[p[0], p[1], p[2]], [p[4], p[5], p[6]], [p[8], p[9], p[10]]];
    return { rotation, position: back(rotation, [-p[3], -p[7], -p[11]]) };
  }

  reset() {
    const centre = this.episode.centre;
    const away = Math.hypot(...centre.map((value, axis) => value - this.base.position[axis]));
    // a camera that moves is worth seeing: stand farther off, and aim a little towards it
    const wide = this.episode.path.length > 1;
    const aim = centre.map((value, axis) => value + (wide ? 0.2 : 0) * (this.base.position[axis] - value));
    Object.assign(this, { yaw: wide ? -0.75 : -0.5, pitch: wide ? -0.35 : -0.28, centre: aim, distance: (wide ? 1.65 : 1.2) * away });
    this.look.through = false;
  }

  listen() {
    let from = null;
    this.canvas.oncontextmenu = (event) => event.preventDefault();
    this.canvas.onpointerdown = (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      from = { x: event.clientX, y: event.clientY, pans: event.shiftKey || event.button === 2 };
    };
    this.canvas.onpointermove = (event) => {
      if (!from) return;
      const dx = event.clientX - from.x, dy = event.clientY - from.y;
      Object.assign(from, { x: event.clientX, y: event.clientY });
      this.look.through = false;
      if (from.pans) {
        const metres = this.distance / (this.view().focal / (window.devicePixelRatio || 1));
        const move = back(this.view().rotation, [-dx * metres, -dy * metres, 0]);
        this.centre = this.centre.map((value, axis) => value + move[axis]);
      } else {
        this.yaw += dx * 0.008;
        this.pitch = Math.max(-1.5, Math.min(1.5, this.pitch - dy * 0.008));
      }
      this.changed();
    };
    this.canvas.onpointerup = this.canvas.onpointercancel = () => { from = null; };
    this.canvas.ondblclick = () => { this.reset(); this.changed(); };
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.look.through = false;
      this.distance *= Math.exp(event.deltaY * 0.001);
      this.changed();
    }, { passive: false });
  }

  view() {
    const anchor = this.episode.anchors[this.look.anchor];
    const fit = Math.min(this.canvas.width / this.episode.width, this.canvas.height / this.episode.height);
    const focal = anchor.focal[0] * fit;
    if (this.look.through) return { ...this.poseOf(anchor), focal };
    const rotation = times(times(aboutX(this.pitch), aboutY(this.yaw)), this.base.rotation);
    const offset = back(rotation, [0, 0, -this.distance]);
    return { rotation, position: this.centre.map((value, axis) => value + offset[axis]), focal };
  }

  projector(width, height) {
    const { rotation, position, focal } = this.view();
    const [a, b, c] = rotation;
    return (x, y, z) => {
      x -= position[0]; y -= position[1]; z -= position[2];
      const depth = c[0] * x + c[1] * y + c[2] * z;
      if (depth < 0.02) return null;
      const zoom = focal / depth;
      return [width / 2 + zoom * (a[0] * x + a[1] * y + a[2] * z), height / 2 + zoom * (b[0] * x + b[1] * y + b[2] * z), depth];
    };
  }

  draw() {
    const { width, height, scale } = fitCanvas(this.canvas, 1.5);
    if (!width || !height) return;
    const context = this.canvas.getContext("2d");
    const project = this.projector(width, height);
    const anchor = this.episode.anchors[this.look.anchor];
    this.drawCloud(context, project, anchor, width, height);
    context.lineCap = context.lineJoin = "round";
    if (this.look.path) this.drawCameras(context, project, anchor, scale);
    if (this.look.past) this.drawLayer(context, project, anchor, "past", () => cssColour("--past"), 1.2 * scale);
    this.drawLayer(context, project, anchor, "future", this.look.colourOf, 2 * scale);
    this.drawAxes(context, height, scale);
    this.drawScale(context, width, height, scale);
  }

  // pixel and depth of a camera -> metres in the world
  lift(anchor, focal, centre) {
    const { rotation, position } = this.poseOf(anchor);
    return (x, y, z) => {
      const point = back(rotation, [((x - centre[0]) / focal[0]) * z, ((y - centre[1]) / focal[1]) * z, z]);
      return [point[0] + position[0], point[1] + position[1], point[2] + position[2]];
    };
  }

  cloudOf(anchor) {
    if (anchor.points || !anchor.cloud) return anchor.points;
    if (!anchor.picture.complete || !anchor.picture.naturalWidth) {
      anchor.picture.decode().then(() => this.changed(), () => {});
      return null;
    }
    const { width, height, depth, step, first } = anchor.cloud;
    const small = new OffscreenCanvas(width, height).getContext("2d");
    small.imageSmoothingQuality = "high";
    const zoom = (anchor.picture.naturalWidth / this.episode.width) * step;
    small.drawImage(anchor.picture, 0, 0, width * zoom, height * zoom, 0, 0, width, height);
    const colours = small.getImageData(0, 0, width, height).data;
    const lift = this.lift(anchor, anchor.focal, anchor.middle);
    const xyz = [], rgb = [], size = [];
    for (let i = 0; i < depth.length; i++) {
      if (!depth[i]) continue;
      const z = depth[i] / 1000;
      xyz.push(...lift((i % width) * step + first, Math.floor(i / width) * step + first, z));
      rgb.push(colours[4 * i], colours[4 * i + 1], colours[4 * i + 2]);
      size.push((z * step) / anchor.focal[0]);
    }
    anchor.points = { xyz: Float32Array.from(xyz), rgb: Uint8Array.from(rgb), size: Float32Array.from(size) };
    return anchor.points;
  }

  drawCloud(context, project, anchor, width, height) {
    if (!this.image || this.image.width !== width || this.image.height !== height) {
      this.image = context.createImageData(width, height);
      this.nearest = new Float32Array(width * height);
    }
    const pixels = new Uint32Array(this.image.data.buffer);
    const [r, g, b] = cssColour("--space").match(/[0-9a-f]{2}/gi).map((text) => parseInt(text, 16));
    pixels.fill((0xff000000 | (b << 16) | (g << 8) | r) >>> 0);
    const cloud = this.look.cloud ? this.cloudOf(anchor) : null;
    if (cloud) {
      this.nearest.fill(Infinity);
      const focal = this.view().focal, keep = 0.86;
      for (let i = 0, n = 0; n < cloud.size.length; i += 3, n++) {
        const p = project(cloud.xyz[i], cloud.xyz[i + 1], cloud.xyz[i + 2]);
        if (!p) continue;
        const reach = Math.max(0.5, Math.min(14, (0.62 * focal * cloud.size[n]) / p[2]));
        const x0 = Math.max(0, Math.round(p[0] - reach)), x1 = Math.min(width - 1, Math.round(p[0] + reach));
        const y0 = Math.max(0, Math.round(p[1] - reach)), y1 = Math.min(height - 1, Math.round(p[1] + reach));
        if (x0 > x1 || y0 > y1) continue;
        const mix = (value, ground) => (value * keep + ground * (1 - keep)) | 0;
        const colour = (0xff000000 | (mix(cloud.rgb[i + 2], b) << 16) | (mix(cloud.rgb[i + 1], g) << 8) | mix(cloud.rgb[i], r)) >>> 0;
        for (let y = y0; y <= y1; y++)
          for (let at = y * width + x0; at <= y * width + x1; at++)
            if (p[2] < this.nearest[at]) { this.nearest[at] = p[2]; pixels[at] = colour; }
      }
    }
    context.putImageData(this.image, 0, 0);
  }

  drawLayer(context, project, anchor, name, colourOf, wide) {
    const traces = anchor[name];
    if (!traces.world) {
      const lift = this.lift(anchor, anchor.focal, anchor.middle);
      traces.world = new Float32Array(traces.at.length);
      for (let i = 0; i < traces.at.length; i += 3) traces.world.set(lift(traces.at[i], traces.at[i + 1], traces.at[i + 2]), i);
    }
    const place = (which, row, step) => {
      const at = 3 * (row * which.steps + step);
      return Number.isFinite(which.at[at]) ? project(which.world[at], which.world[at + 1], which.world[at + 2]) : null;
    };
    drawTraces(context, traces, anchor, this.look, place, colourOf, wide);
    if (name === "past") return;
    for (let row = 0; row < traces.rows; row++) {
      const at = place(traces, row, 0);
      if (!at || this.look.hidden.has(anchor.entity[row])) continue;
      context.fillStyle = colourOf(0, anchor.entity[row]);
      context.beginPath();
      context.arc(at[0], at[1], 1.35 * wide, 0, 7);
      context.fill();
    }
  }

  drawCameras(context, project, anchor, scale) {
    const line = (points, colour, wide) => {
      context.strokeStyle = colour; context.lineWidth = wide * scale;
      context.beginPath();
      let before = null;
      for (const point of points) {
        const here = point && project(...point);
        if (here && before) context.lineTo(here[0], here[1]);
        else if (here) context.moveTo(here[0], here[1]);
        before = here;
      }
      context.stroke();
    };
    const quiet = cssColour("--camera"), loud = cssColour("--accent");
    if (this.episode.path.length > 1) line(this.episode.path, quiet, 2);
    for (const pose of this.episode.frustums) this.drawFrustum(line, { ...anchor, pose }, quiet, 1);
    if (!this.look.through) this.drawFrustum(line, anchor, loud, 2);
  }

  drawFrustum(line, anchor, colour, wide) {
    const far = this.episode.frustum_m, { width, height } = this.episode;
    const lift = this.lift(anchor, anchor.focal, anchor.middle);
    const eye = this.poseOf(anchor).position;
    const [a, b, c, d] = [[0, 0], [width, 0], [width, height], [0, height]].map(([x, y]) => lift(x, y, far));
    const roof = lift(width / 2, -0.18 * height, far);
    line([a, b, c, d, a, eye, b, null, c, eye, d, null, a, roof, b], colour, wide);
  }

  drawAxes(context, height, scale) {
    const { rotation } = this.view(), size = 26 * scale, x0 = 40 * scale, y0 = height - 44 * scale;
    const ends = [["x", "#d9473f"], ["y", "#3f9d4b"], ["z", "#3b78d8"]].map(([name, colour], axis) => {
      const [x, y, z] = rotation.map((row) => row[axis]);
      return { name, colour, x, y, z };
    }).sort((a, b) => b.z - a.z);
    context.font = `${11 * scale}px system-ui, sans-serif`;
    context.textAlign = "center"; context.textBaseline = "middle";
    for (const { name, colour, x, y } of ends) {
      context.strokeStyle = context.fillStyle = colour; context.lineWidth = 2 * scale;
      context.beginPath(); context.moveTo(x0, y0); context.lineTo(x0 + size * x, y0 + size * y); context.stroke();
      context.fillText(name, x0 + 1.35 * size * x, y0 + 1.35 * size * y);
    }
  }

  // a bar whose length in metres holds at the centre of the orbit
  drawScale(context, width, height, scale) {
    const { rotation, position, focal } = this.view();
    const depth = turn(rotation, this.centre.map((value, axis) => value - position[axis]))[2];
    if (depth <= 0.02) return;
    const most = (140 * scale * depth) / focal, unit = 10 ** Math.floor(Math.log10(most));
    const metres = unit * (most / unit >= 5 ? 5 : most / unit >= 2 ? 2 : 1), pixels = (metres * focal) / depth;
    const x1 = width - 16 * scale, y = height - 18 * scale;
    context.strokeStyle = context.fillStyle = cssColour("--soft"); context.lineWidth = 1.5 * scale;
    context.beginPath();
    context.moveTo(x1 - pixels, y - 4 * scale); context.lineTo(x1 - pixels, y); context.lineTo(x1, y); context.lineTo(x1, y - 4 * scale);
    context.stroke();
    context.font = `${12 * scale}px system-ui, sans-serif`; context.textAlign = "center"; context.textBaseline = "bottom";
    const words = metres >= 1 ? `${metres} m` : metres >= 0.01 ? `${+(100 * metres).toPrecision(2)} cm` : `${+(1000 * metres).toPrecision(2)} mm`;
    context.fillText(words, x1 - pixels / 2, y - 6 * scale);
  }
}
