"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const data = JSON.parse(by("atlas-data").textContent);
  const [view, canvas, room, told] = ["atlas-view", "atlas-canvas", "atlas-room", "atlas-told"].map(by);
  const [layerChoice, text, gather, size] = ["atlas-layer", "atlas-text", "atlas-gather", "atlas-size"].map(by);
  const [colourChoice, overview] = ["atlas-colours", "atlas-overview"].map(by);
  const legends = [...document.querySelectorAll(".legend[data-scheme]")];
  const LAYER = 0, CROSSBAR = 1, X = 2, Y = 3, WIDTH = 4, HEIGHT = 5, REPLICA = 6, BOX = 7;
  const PAD = 8, GAP = 12, HEAD = 16, OVERVIEW = 120;
  const pen = canvas.getContext("2d");

  const onCrossbar = Array.from({ length: data.crossbars }, () => []);
  data.boxes.forEach((box, i) => onCrossbar[box[CROSSBAR]].push(i));
  const inks = new Map();
  const inkOn = (colour) => {
    if (!inks.has(colour)) {
      const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
      inks.set(colour, 0.299 * r + 0.587 * g + 0.114 * b > 120 ? "#000" : "#fff");
    }
    return inks.get(colour);
  };

  let scheme = data.schemes.layer;
  const colourOf = (box) => scheme.colours[box[scheme.per === "crossbar" ? CROSSBAR : LAYER]];

  let shown = data.layers.map(() => true);
  let kept = onCrossbar.map((_, i) => i);  // crossbars that are shown
  let order = kept;  // those in the grid, -1 where a place is empty, because a segment begins a row
  let current = -1;  // box that is spoken of
  let grid = { across: 1, cellW: 1, cellH: 1, scale: 1 };

  /* Geometry */

  const arrange = () => {
    const width = view.clientWidth - 2 * PAD;
    const across = Math.max(1, Math.floor((width + GAP) / (Number(size.value) + GAP)));
    const cellW = Math.max((width + GAP) / across, 40 + GAP);
    const scale = (cellW - GAP) / data.columns, cellH = data.rows * scale + GAP + HEAD;
    grid = { across, cellW, cellH, scale };
    order = [];
    kept.forEach((crossbar, k) => {
      const begins = data.slots && k && data.slots[crossbar][0] !== data.slots[kept[k - 1]][0];
      while (begins && order.length % across) order.push(-1);
      order.push(crossbar);
    });
    room.style.height = `${Math.max(1, Math.ceil(order.length / across)) * cellH + 2 * PAD}px`;
    const sharp = window.devicePixelRatio || 1;
    canvas.width = Math.round(view.clientWidth * sharp);
    canvas.height = Math.round(view.clientHeight * sharp);
    canvas.style.width = `${view.clientWidth}px`;
    canvas.style.height = `${view.clientHeight}px`;
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    shrink();
  };

  const corner = (position) => ({
    x: PAD + (position % grid.across) * grid.cellW,
    y: PAD + HEAD + Math.floor(position / grid.across) * grid.cellH,
  });

  /* Drawing */

  const segment = (crossbar) => data.slots[crossbar][0] < 0 ? "kept" : data.slots[crossbar][0];

  const drawCrossbar = (position, style) => {
    const { x, y } = corner(position);
    const top = y - view.scrollTop, { scale } = grid, crossbar = order[position];
    if (crossbar < 0) return;
    pen.fillStyle = style.raised;
    pen.fillRect(x, top, data.columns * scale, data.rows * scale);
    for (const i of onCrossbar[crossbar]) {
      const isShown = shown[data.boxes[i][LAYER]];
      pen.globalAlpha = isShown ? 1 : 0.1;
      drawBox(i, x, top, style, isShown);
    }
    pen.globalAlpha = 1;
    if (current >= 0) light(crossbar, x, top, style);
    pen.strokeStyle = style.rule;
    pen.strokeRect(x - 0.5, top - 0.5, data.columns * scale + 1, data.rows * scale + 1);
    pen.fillStyle = style.soft;
    pen.textAlign = "left";
    pen.fillText(data.slots ? `${segment(crossbar)} · ${data.slots[crossbar][1]}` : String(crossbar), x, top - 7);
  };

  const drawBox = (i, x, top, style, named) => {
    const box = data.boxes[i], { scale } = grid;
    const left = x + box[X] * scale, up = top + box[Y] * scale, w = box[WIDTH] * scale, h = box[HEIGHT] * scale;
    const colour = colourOf(box);
    pen.fillStyle = colour;
    pen.fillRect(left, up, w, h);
    pen.strokeStyle = style.paper;
    if (w > 3 && h > 3) pen.strokeRect(left, up, w, h);
    if (named && w > 20 && h > 13) {
      pen.fillStyle = inkOn(colour);
      pen.textAlign = "center";
      pen.fillText(String(box[LAYER]), left + w / 2, up + h / 2);
    }
  };

  /* All boxes of the layer that is spoken of have a frame, in every copy; the box itself has a thicker one. */

  const light = (crossbar, x, top, style) => {
    const { scale } = grid;
    pen.lineWidth = 2;
    pen.strokeStyle = style.accent;
    for (const i of onCrossbar[crossbar]) {
      const box = data.boxes[i];
      if (box[LAYER] !== data.boxes[current][LAYER]) continue;
      pen.strokeRect(x + box[X] * scale, top + box[Y] * scale, box[WIDTH] * scale, box[HEIGHT] * scale);
    }
    pen.lineWidth = 1;
  };

  const drawCurrent = (style) => {
    const position = current < 0 ? -1 : order.indexOf(data.boxes[current][CROSSBAR]);
    if (position < 0) return;
    const box = data.boxes[current], { x, y } = corner(position), { scale } = grid;
    pen.lineWidth = 3;
    pen.strokeStyle = style.ink;
    const top = y - view.scrollTop;
    pen.strokeRect(x + box[X] * scale, top + box[Y] * scale, box[WIDTH] * scale, box[HEIGHT] * scale);
    pen.lineWidth = 1;
  };

  const style = () => {
    const found = getComputedStyle(document.documentElement);
    return Object.fromEntries(["ink", "soft", "rule", "paper", "raised", "accent"].map((n) => [n, found.getPropertyValue(`--${n}`).trim()]));
  };

  const draw = () => {
    const began = performance.now(), colours = style();
    pen.clearRect(0, 0, view.clientWidth, view.clientHeight);
    pen.font = "11px sans-serif";
    pen.textBaseline = "middle";
    pen.lineWidth = 1;
    const first = Math.max(0, Math.floor((view.scrollTop - PAD) / grid.cellH)) * grid.across;
    const rows = Math.ceil(view.clientHeight / grid.cellH) + 1;
    const last = Math.min(order.length, first + rows * grid.across);
    for (let position = first; position < last; position += 1) drawCrossbar(position, colours);
    drawCurrent(colours);
    drawOverview(colours);
    performance.clearMeasures("atlas");
    performance.measure("atlas", { start: began, end: performance.now() });
  };

  /* Overview: all that can be scrolled to, small. What does not change by pointing is drawn once. */

  const small = document.createElement("canvas");
  let part = 0;  // its size over that of what is scrolled
  let stale = true;

  const shrink = () => {
    const whole = room.offsetHeight;
    overview.hidden = whole <= view.clientHeight;
    part = overview.hidden ? 0 : Math.min(OVERVIEW / view.clientWidth, view.clientHeight / whole);
    const sharp = window.devicePixelRatio || 1;
    const [width, height] = [view.clientWidth * part, whole * part];
    overview.style.width = `${width}px`;
    overview.style.height = `${height}px`;
    for (const each of [small, overview]) [each.width, each.height] = [width, height].map((n) => Math.ceil(n * sharp));
    stale = true;
  };

  const eachSmall = (draws) => order.forEach((crossbar, position) => {
    if (crossbar < 0) return;
    const { x, y } = corner(position), scale = grid.scale * part;
    const place = (box) => [x * part + box[X] * scale, y * part + box[Y] * scale,
      Math.max(box[WIDTH] * scale, 0.5), Math.max(box[HEIGHT] * scale, 0.5)];
    draws(crossbar, [x * part, y * part, data.columns * scale, data.rows * scale], place);
  });

  const drawSmall = (style) => {
    const sharp = window.devicePixelRatio || 1, ink = small.getContext("2d");
    ink.setTransform(sharp, 0, 0, sharp, 0, 0);
    ink.clearRect(0, 0, small.width, small.height);
    eachSmall((crossbar, frame, place) => {
      ink.fillStyle = style.rule;
      ink.fillRect(...frame);
      for (const i of onCrossbar[crossbar]) {
        if (!shown[data.boxes[i][LAYER]]) continue;
        ink.fillStyle = colourOf(data.boxes[i]);
        ink.fillRect(...place(data.boxes[i]));
      }
    });
    stale = false;
    soon();
  };

  let asked = false;
  const drawSmallLater = (style) => {  // thousands of boxes, after the frame that the reader waits for
    if (asked) return;
    asked = true;
    setTimeout(() => { asked = false; drawSmall(style); });
  };

  const drawOverview = (style) => {
    if (overview.hidden || !small.width || !small.height) return;  // where the atlas has no size
    if (stale) drawSmallLater(style);
    const sharp = window.devicePixelRatio || 1, ink = overview.getContext("2d");
    ink.setTransform(1, 0, 0, 1, 0, 0);
    ink.clearRect(0, 0, overview.width, overview.height);
    ink.drawImage(small, 0, 0);
    ink.setTransform(sharp, 0, 0, sharp, 0, 0);
    if (current >= 0) {
      ink.fillStyle = style.accent;
      const lit = data.boxes[current][LAYER];
      eachSmall((crossbar, frame) => {
        if (onCrossbar[crossbar].some((i) => data.boxes[i][LAYER] === lit)) ink.fillRect(...frame);
      });
    }
    ink.lineWidth = 2;
    ink.strokeStyle = style.ink;
    ink.strokeRect(1, view.scrollTop * part + 1, view.clientWidth * part - 2, view.clientHeight * part - 2);
  };

  const goThere = (event) => {
    if (!(event.buttons & 1)) return;
    view.scrollTop = (event.clientY - overview.getBoundingClientRect().top) / part - view.clientHeight / 2;
    event.preventDefault();
  };

  const recolour = () => {
    scheme = data.schemes[colourChoice.value] || data.schemes.layer;
    for (const legend of legends) legend.hidden = legend.dataset.scheme !== colourChoice.value;
    stale = true;
    soon();
  };

  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  };

  /* Filter */

  const filter = () => {
    const sought = text.value.trim().toLowerCase();
    shown = data.layers.map((layer, i) => (layerChoice.value === "" || Number(layerChoice.value) === i)
      && `${layer.label} ${layer.name}`.toLowerCase().includes(sought));
    const holds = (crossbar) => onCrossbar[crossbar].some((i) => shown[data.boxes[i][LAYER]]);
    kept = onCrossbar.map((_, i) => i).filter((i) => !gather.checked || holds(i));
    if (current >= 0 && !shown[data.boxes[current][LAYER]]) current = -1;
    const count = data.boxes.filter((box) => shown[box[LAYER]]).length;
    view.dataset.shown = count;
    tell(`${count} of ${data.boxes.length} boxes shown, on ${kept.filter(holds).length} crossbars${data.slots ? " of all segments" : ""}`);
    arrange();
    if (layerChoice.value !== "") bringIntoSight(holds);
    soon();
    spread();
  };

  /* Words */

  const tell = (words) => { told.textContent = words; };

  const name = (crossbar) => {
    if (!data.slots) return crossbar;
    const [own, number] = data.slots[crossbar];
    return own < 0 ? `${number}, which is never written anew` : `${number} in segment ${own}`;
  };

  /* A drawing of the layers may follow: which one is chosen, or else spoken of; -1 for none. */

  const spread = () => {
    const chosen = layerChoice.value !== "";
    const layer = chosen ? Number(layerChoice.value) : current < 0 ? -1 : data.boxes[current][LAYER];
    document.dispatchEvent(new CustomEvent("atlas-layer", { detail: { layer, chosen } }));
  };

  const describe = (i) => {
    const box = data.boxes[i], layer = data.layers[box[LAYER]];
    const reads = layer.cycles[box[BOX]], shared = Math.ceil(reads / layer.copies);
    const busy = (100 * data.load[box[CROSSBAR]]).toFixed(1);
    return `${layer.label} (${layer.name}): ${box[HEIGHT]} rows × ${box[WIDTH]} columns at row ${box[Y]}, column ${box[X]}`
      + ` of crossbar ${name(box[CROSSBAR])} (reads ${busy}% of the time); replica ${box[REPLICA] + 1} of ${layer.copies},`
      + ` box ${box[BOX] + 1} of ${layer.boxes}; ${reads} cycles a sample, ${shared} with its copies`;
  };

  const point = (i, follow) => {
    if (i === current) return;
    current = i;
    if (i >= 0) tell(describe(i));
    if (i >= 0 && follow) reveal(i);
    if (i >= 0) spread();
    soon();
  };

  const bringIntoSight = (holds) => {
    const inSight = (position) => {
      const top = corner(position).y - view.scrollTop;
      return top >= 0 && top + data.rows * grid.scale <= view.clientHeight;
    };
    const found = order.map((_, position) => position).filter((position) => order[position] >= 0 && holds(order[position]));
    if (!found.length || found.some(inSight)) return;
    view.scrollTop = corner(found[0]).y - HEAD - PAD;
  };

  const reveal = (i) => {
    const { y } = corner(order.indexOf(data.boxes[i][CROSSBAR]));
    if (y - HEAD < view.scrollTop) view.scrollTop = y - HEAD - PAD;
    const bottom = y + grid.cellH - HEAD;
    if (bottom > view.scrollTop + view.clientHeight) view.scrollTop = bottom - view.clientHeight;
  };

  /* Mouse and keys */

  const under = (event, faint = false) => {
    const frame = canvas.getBoundingClientRect(), { across, cellW, cellH, scale } = grid;
    const x = event.clientX - frame.left - PAD, y = event.clientY - frame.top + view.scrollTop - PAD - HEAD;
    const column = Math.floor(x / cellW), row = Math.floor(y / cellH);
    if (column < 0 || column >= across || row < 0) return -1;
    const crossbar = order[row * across + column];
    const [cx, cy] = [(x - column * cellW) / scale, (y - row * cellH) / scale];
    const hit = (box) => (faint || shown[box[LAYER]]) && box[X] <= cx && cx < box[X] + box[WIDTH] && box[Y] <= cy && cy < box[Y] + box[HEIGHT];
    return (onCrossbar[crossbar] || []).find((i) => hit(data.boxes[i])) ?? -1;
  };

  const reachable = () => kept.flatMap((crossbar) => onCrossbar[crossbar].filter((i) => shown[data.boxes[i][LAYER]]));

  const step = (key) => {
    const boxes = reachable();
    if (!boxes.length) return;
    const at = boxes.indexOf(current);
    if (key === "Home" || at < 0) return point(boxes[0], true);
    if (key === "End") return point(boxes.at(-1), true);
    if (key === "ArrowRight") return point(boxes[Math.min(at + 1, boxes.length - 1)], true);
    if (key === "ArrowLeft") return point(boxes[Math.max(at - 1, 0)], true);
    const place = new Map(order.map((crossbar, position) => [crossbar, position]));
    const of = (i) => place.get(data.boxes[i][CROSSBAR]);
    const aim = of(current) + (key === "ArrowDown" ? grid.across : -grid.across);
    const next = key === "ArrowDown" ? boxes.find((i) => of(i) >= aim) : boxes.findLast((i) => of(i) <= aim);
    if (next !== undefined) point(next, true);
  };

  const choose = (value) => { layerChoice.value = value; filter(); };

  view.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (/^(Arrow|Home$|End$)/.test(event.key)) step(event.key);
    else if (event.key === "Enter" && current >= 0) choose(String(data.boxes[current][LAYER]));
    else if (event.key === "Escape") { text.value = ""; choose(""); }
    else return;
    event.preventDefault();
  });
  view.addEventListener("mousemove", (event) => point(under(event), false));
  view.addEventListener("click", (event) => {
    const hit = under(event, layerChoice.value !== "");
    if (hit >= 0 && !shown[data.boxes[hit][LAYER]]) choose(String(data.boxes[hit][LAYER]));
    point(hit, false);
    view.focus();
  });
  view.addEventListener("scroll", soon, { passive: true });
  layerChoice.addEventListener("change", filter);
  gather.addEventListener("change", filter);
  text.addEventListener("input", filter);
  colourChoice.addEventListener("change", recolour);
  for (const kind of ["pointerdown", "pointermove"]) overview.addEventListener(kind, goThere);
  size.addEventListener("input", () => { arrange(); soon(); });
  by("atlas-controls").addEventListener("submit", (event) => event.preventDefault());
  new ResizeObserver(() => { arrange(); draw(); }).observe(view);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  recolour();
  filter();
})();
