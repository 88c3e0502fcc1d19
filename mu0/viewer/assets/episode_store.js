// What the page knows: the embedded episode, with its packed arrays opened.
//
// Arrays travel as base64 of zlib: depth as 16-bit millimetres, each row as differences (0 = nothing known);
// traces as the stored 16-bit floats (x px, y px, z m in the anchor's camera), so nothing is rounded.
"use strict";

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

const inflate = async (text, Kind) => {
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Kind(await new Response(stream).arrayBuffer());
};

const half = (bits) => {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};
const HALVES = Float32Array.from({ length: 65536 }, (_, bits) => half(bits));

const openTraces = async (packed) => {
  const bits = await inflate(packed.half, Uint16Array);
  return { rows: packed.shape[0], steps: packed.shape[1], at: Float32Array.from(bits, (value) => HALVES[value]) };
};

const openDepth = async (packed) => {
  const depth = await inflate(packed.mm, Uint16Array);
  for (let i = 0; i < depth.length; i++) if (i % packed.width) depth[i] += depth[i - 1];
  return { ...packed, depth };
};

const openAnchor = async (packed) => {
  const picture = new Image();
  picture.src = `data:image/jpeg;base64,${packed.jpeg}`;
  const [future, past, cloud] = await Promise.all([
    openTraces(packed.future), openTraces(packed.past), packed.cloud ? openDepth(packed.cloud) : null,
  ]);
  return { ...packed, picture, future, past, cloud };
};

const openEpisode = async (packed) => ({ ...packed, anchors: await Promise.all(packed.anchors.map(openAnchor)) });

// violet (now) to red (end): hue = .75 (1 - position), saturation .9, value .95
const timeColour = (position) => `hsl(${270 * (1 - position)} 90% 52%)`;

// colours of entities stay apart for any number of them, and the same entity keeps its colour
const ENTITY_COLOURS = ["#e6550d", "#3182bd", "#31a354", "#c51b8a", "#d4a017", "#756bb1", "#17a2a2", "#8c564b", "#f768a1", "#7fb800"];
const entityColour = (place) => place < ENTITY_COLOURS.length ? ENTITY_COLOURS[place] : `hsl(${(place * 137.5) % 360} 65% 50%)`;

const cssColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const fitCanvas = (canvas, most = 2) => {
  const scale = Math.min(window.devicePixelRatio || 1, most);
  const width = Math.round(canvas.clientWidth * scale), height = Math.round(canvas.clientHeight * scale);
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  return { width, height, scale };
};
