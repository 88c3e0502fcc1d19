// The frame with its traces drawn on it, in step with the 3D scene.
"use strict";

const SHADES = 40; // of the colours along a trace; every trace runs from violet to red, however long it is

class Picture {
  constructor(canvas, episode, look) {
    Object.assign(this, { canvas, episode, look });
  }

  draw() {
    const { width, height, scale } = fitCanvas(this.canvas);
    if (!width || !height) return;
    const anchor = this.episode.anchors[this.look.anchor];
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    const zoom = Math.min(width / this.episode.width, height / this.episode.height);
    const left = (width - zoom * this.episode.width) / 2, top = (height - zoom * this.episode.height) / 2;
    if (anchor.picture.complete && anchor.picture.naturalWidth) {
      context.imageSmoothingQuality = "high";
      context.drawImage(anchor.picture, left, top, zoom * this.episode.width, zoom * this.episode.height);
    } else anchor.picture.decode().then(() => this.draw(), () => {});
    context.save();
    context.beginPath();
    context.rect(left, top, zoom * this.episode.width, zoom * this.episode.height);
    context.clip();
    context.lineCap = context.lineJoin = "round";
    const place = (traces, row, step) => {
      const at = 3 * (row * traces.steps + step), x = traces.at[at];
      return Number.isFinite(x) ? [left + zoom * (x + 0.5), top + zoom * (traces.at[at + 1] + 0.5)] : null; // pixel 0 is a pixel's middle
    };
    const stroke = (traces, colourOf, wide) => drawTraces(context, traces, anchor, this.look, place, colourOf, wide);
    if (this.look.past) stroke(anchor.past, () => "#c4ccd6", 1.2 * scale);
    stroke(anchor.future, () => "rgba(0,0,0,.45)", 3.4 * scale);
    stroke(anchor.future, this.look.colourOf, 1.9 * scale);
    this.drawPoints(context, anchor, place, scale);
    this.drawHands(context, anchor, ([x, y]) => [left + zoom * (x + 0.5), top + zoom * (y + 0.5)], scale);
    context.restore();
  }

  // bones of hands: full where the hand was recognised, dashed where a short gap was bridged
  drawHands(context, anchor, place, scale) {
    for (const hand of anchor.hands ?? []) {
      if (this.look.hidden.has(hand.entity)) continue;
      const at = hand.joints.map(place), bones = new Path2D();
      for (const [start, end] of this.episode.bones) { bones.moveTo(...at[start]); bones.lineTo(...at[end]); }
      context.setLineDash(hand.seen ? [] : [4 * scale, 4 * scale]);
      for (const [colour, wide] of [["rgba(0,0,0,.5)", 4], [hand.touches.length ? "#ffe14d" : "#ffffff", 1.8]]) {
        context.strokeStyle = colour;
        context.lineWidth = wide * scale;
        context.stroke(bones);
      }
      context.setLineDash([]);
      const title = hand.handedness + (hand.touches.length ? `, moves with entity ${hand.touches.join(", ")}` : "");
      context.font = `${12 * scale}px sans-serif`;
      context.lineWidth = 3 * scale;
      context.strokeStyle = "rgba(0,0,0,.6)";
      context.strokeText(title, at[0][0] + 6 * scale, at[0][1] + 14 * scale);
      context.fillStyle = "#ffffff";
      context.fillText(title, at[0][0] + 6 * scale, at[0][1] + 14 * scale);
    }
  }

  // filled: seen in this frame; a ring: known, but hidden behind something
  drawPoints(context, anchor, place, scale) {
    for (let row = 0; row < anchor.future.rows; row++) {
      const at = place(anchor.future, row, 0);
      if (!at || this.look.hidden.has(anchor.entity[row])) continue;
      context.beginPath();
      context.arc(at[0], at[1], 3 * scale, 0, 7);
      context.lineWidth = 1.4 * scale;
      context.strokeStyle = anchor.visible[row] ? "rgba(255,255,255,.85)" : this.look.colourOf(0, anchor.entity[row]);
      context.fillStyle = this.look.colourOf(0, anchor.entity[row]);
      if (anchor.visible[row]) context.fill();
      context.stroke();
    }
  }
}

// one path per colour, not per segment: a hundred traces cost a few dozen strokes
const drawTraces = (context, traces, anchor, look, place, colourOf, wide) => {
  const paths = new Map();
  const lengths = traces.lengths ?? (traces.lengths = lengthsOf(traces));
  for (let row = 0; row < traces.rows; row++) {
    if (look.hidden.has(anchor.entity[row])) continue;
    const length = lengths[row];
    let before = place(traces, row, 0);
    for (let step = 1; step < length; step++) {
      const here = place(traces, row, step);
      if (before && here) {
        const colour = colourOf(Math.round((SHADES * step) / (length - 1)) / SHADES, anchor.entity[row]);
        let path = paths.get(colour);
        if (!path) paths.set(colour, path = new Path2D());
        path.moveTo(before[0], before[1]);
        path.lineTo(here[0], here[1]);
      }
      before = here;
    }
  }
  context.lineWidth = wide;
  for (const [colour, path] of paths) { context.strokeStyle = colour; context.stroke(path); }
};

// valid steps come first, so the length of a trace is where its last one stands
const lengthsOf = (traces) => Array.from({ length: traces.rows }, (_, row) => {
  let length = traces.steps;
  while (length > 0 && !Number.isFinite(traces.at[3 * (row * traces.steps + length - 1)])) length--;
  return length;
});
