"use strict";
(() => {
  const data = JSON.parse(document.querySelector("#sweep-data script").textContent);
  const chart = document.getElementById("sweep-chart"), legend = document.getElementById("sweep-legend");
  const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [400, 76, 16, 16, 52];
  const made = (name, attributes, text) => {
    const one = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    if (text !== undefined) one.textContent = text;
    return one;
  };

  const chooser = (words, places, first) => {
    const label = document.createElement("label"), select = document.createElement("select");
    for (const place of places) {
      select.append(new Option(place < 0 ? "nothing" : data.labels[place], place, false, place === first));
    }
    select.addEventListener("change", draw);
    label.append(words, select);
    document.getElementById("sweep-controls").append(label);
    return select;
  };

  const byParameter = [-1, ...data.labels.keys()].filter((place) => place < data.parameters);
  const across = chooser("x:", data.numeric, data.start[0]);
  const upwards = chooser("y:", data.numeric, data.start[1]);
  const colour = chooser("colour:", byParameter, data.start[2]);

  const ticks = (low, high, count) => {
    const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k += 1) found.push(k * step);
    return found;
  };

  const scale = (values, start, end) => {
    const least = Math.min(...values), most = Math.max(...values);
    const room = (most - least) * 0.05 || Math.abs(most) * 0.05 || 1;
    const [low, high] = [least - room, most + room];
    return { low, high, at: (value) => start + (value - low) / (high - low) * (end - start) };
  };

  const short = (value) => Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-3)
    ? value.toExponential(2).replace("e+", "e") : String(Number(value.toPrecision(6)));

  function draw() {
    const [i, j, k] = [across, upwards, colour].map((select) => Number(select.value));
    const rows = data.rows.filter((row) => typeof row[i] === "number" && typeof row[j] === "number");
    const WIDTH = Math.max(320, Math.min(960, chart.clientWidth || 760));
    chart.replaceChildren();
    legend.replaceChildren();
    if (!rows.length) return;
    const x = scale(rows.map((row) => row[i]), LEFT, WIDTH - RIGHT);
    const y = scale(rows.map((row) => row[j]), HEIGHT - BOTTOM, TOP);
    const drawing = made("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}` });
    for (const value of ticks(x.low, x.high, WIDTH / 110)) {
      drawing.append(made("line", { x1: x.at(value), x2: x.at(value), y1: TOP, y2: HEIGHT - BOTTOM }),
        made("text", { x: x.at(value), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" }, short(value)));
    }
    for (const value of ticks(y.low, y.high, 5)) {
      drawing.append(made("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y.at(value), y2: y.at(value) }),
        made("text", { x: LEFT - 8, y: y.at(value) + 4, "text-anchor": "end" }, short(value)));
    }
    drawing.append(made("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 10, "text-anchor": "middle" }, data.labels[i]));
    const nameOf = (row) => k < 0 ? "" : String(row[k]);
    [...new Set(data.rows.map(nameOf))].forEach((name, place) => {
      const own = rows.filter((row) => nameOf(row) === name);
      if (!own.length) return;
      const paint = data.looks[place % data.looks.length][0], group = made("g", { "data-run": name });
      own.sort((a, b) => a[i] - b[i] || a[j] - b[j]);
      const way = own.map((row, n) => `${n ? "L" : "M"}${x.at(row[i]).toFixed(1)} ${y.at(row[j]).toFixed(1)}`).join("");
      group.append(made("path", { d: way, stroke: paint }));
      for (const row of own) {
        const dot = made("circle", { cx: x.at(row[i]), cy: y.at(row[j]), r: 4.5, fill: paint });
        dot.append(made("title", {}, data.labels.slice(0, data.parameters)
          .map((label, p) => `${label} ${row[p]}`).concat(`${data.labels[j]} ${short(row[j])}`).join(", ")));
        group.append(dot);
      }
      drawing.append(group);
      if (k >= 0) {
        const item = document.createElement("li"), mark = document.createElement("i");
        mark.style.background = paint;
        item.append(mark, `${data.labels[k]} ${name}`);
        legend.append(item);
      }
    });
    const title = document.createElement("p");
    title.className = "hint";
    title.textContent = data.labels[j];
    chart.append(title, drawing);
    chart.setAttribute("aria-label", `${data.labels[j]} over ${data.labels[i]}, ${rows.length} points`);
  }

  let width = chart.clientWidth;
  new ResizeObserver(() => {
    if (chart.clientWidth !== width) draw();
    width = chart.clientWidth;
  }).observe(chart);
  draw();
})();
