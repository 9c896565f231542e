"use strict";
(() => {
  const points = [...document.querySelectorAll(".pick")];
  const rows = () => [...document.querySelectorAll(".networks tbody tr")];
  const panels = document.querySelectorAll(".panel");
  let ring = null;

  /* The command names the run's folder: the page knows where it lies. */

  const here = () => {
    const path = decodeURIComponent(location.pathname);
    return path.slice(0, path.lastIndexOf("/") + 1);
  };

  const joined = (folder) => {
    const parts = [];
    for (const part of (folder.startsWith("/") ? folder : here() + folder).split("/")) {
      if (part === "..") parts.pop();
      else if (part !== "." && part !== "") parts.push(part);
    }
    return `/${parts.join("/")}`;
  };

  const quoted = (word) => /^[\w@%+=:,./#-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

  const placed = (command, folder) => location.protocol !== "file:" ? command
    : command.replace(/(ofa:)?RUN_DIR\/\S+/g, (word) => quoted(word.replace("RUN_DIR", () => joined(folder))));

  if (location.protocol === "file:") {
    for (const code of document.querySelectorAll("code[data-folder]")) {
      code.textContent = placed(code.textContent, code.dataset.folder);
    }
    const name = joined(".").split("/").pop();
    if (name) document.title = `${name}: ${document.title}`;
  }

  /* Choosing a network, by point or by row */

  const choose = (name) => {
    for (const panel of panels) panel.hidden = panel.id !== name;
    document.querySelector(".panels .hint").hidden = true;
    ring?.remove();
    for (const point of points) point.setAttribute("aria-pressed", String(point.dataset.network === name));
    for (const row of rows()) {
      if (row.dataset.network === name) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  };

  const walk = (all, one, event) => {
    const forth = ["ArrowRight", "ArrowDown"].includes(event.key);
    if (!forth && !["ArrowLeft", "ArrowUp"].includes(event.key)) return;
    const next = all[all.indexOf(one) + (forth ? 1 : -1)];
    event.preventDefault();
    if (!next) return;
    one.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  };

  const listen = (one, all) => {
    const chosen = () => {
      choose(one.dataset.network);
      document.querySelector(".front").scrollIntoView({ block: "nearest" });
    };
    one.addEventListener("click", chosen);
    one.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        chosen();
      } else walk(all(), one, event);
    });
  };

  for (const point of points) listen(point, () => points);
  for (const row of rows()) listen(row, rows);
  points[0]?.setAttribute("tabindex", "0");

  /* Grey points: networks that were evaluated, by place or by number */

  const drawing = document.querySelector(".front svg.chart");
  const known = JSON.parse(document.getElementById("evaluated-data").textContent);
  const place = ([low, high, start, end], value) => start + (value - low) / (high - low) * (end - start);
  const all = known.runs.flatMap((run) => run.networks.map(([number, accuracy, speed, genes, chip, rows, place_of_hardware]) =>
    ({ run, number, accuracy, speed, genes, chip, rows, hardware: run.hardware[place_of_hardware], x: place(known.x, speed), y: place(known.y, chip ?? accuracy) })));
  const panel = document.getElementById("evaluated");

  const stages = (genes) => [0, 1, 2, 3].map((stage) => {
    const depth = Number(genes[32 + stage]);
    const blocks = (from) => [...genes.slice(from + 4 * stage, from + 4 * stage + depth)].join(" ");
    return [String(stage + 1), String(depth), blocks(0), blocks(16)];
  });

  const accuracies = ({ accuracy, chip }) => chip === null ? `accuracy ${accuracy.toFixed(4)}`
    : `accuracy on chips ${chip.toFixed(4)}, in floats ${accuracy.toFixed(4)}`;

  const on = ({ hardware }) => hardware ? `, on ${hardware[0]}` : "";

  const command = ({ run, number, rows, hardware }) => {
    const [name, crossbars] = hardware ?? ["", ""];
    const words = { "evaluated.csv#K": `evaluated.csv#${number}`, ROWS: rows, CROSSBARS: crossbars, HARDWARE: name };
    return placed(run.command.replace(/evaluated\.csv#K|\b(ROWS|CROSSBARS|HARDWARE)\b/g, (word) => words[word]), run.folder);
  };

  const show = (network) => {
    choose("evaluated");
    panel.querySelector("h3").textContent = `${network.run.title} ${network.number}`;
    panel.querySelector(".figures").textContent =
      `${accuracies(network)}, speed searched ${network.speed.toFixed(2)}${on(network)}`;
    panel.querySelector("tbody").replaceChildren(...stages(network.genes).map((cells) => {
      const row = document.createElement("tr");
      row.append(...cells.map((text) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        return cell;
      }));
      return row;
    }));
    panel.querySelector("code").textContent = command(network);
    ring = document.createElementNS(drawing.namespaceURI, "circle");
    ring.setAttribute("class", "ring");
    ring.setAttribute("cx", network.x);
    ring.setAttribute("cy", network.y);
    ring.setAttribute("r", 9);
    drawing.append(ring);
  };

  drawing.addEventListener("click", (event) => {
    if (event.target.closest(".pick")) return;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
    const far = (network) => Math.hypot(network.x - at.x, network.y - at.y);
    const nearest = all.reduce((best, one) => best && far(best) <= far(one) ? best : one, null);
    if (nearest && far(nearest) < 12) show(nearest);
  });

  for (const field of document.querySelectorAll(".numbers .number")) {
    field.closest(".numbers").hidden = false;
    field.addEventListener("change", () => {
      const own = known.runs[field.dataset.run];
      const found = all.find((one) => one.run === own && one.number === Number(field.value));
      field.setCustomValidity(found || field.value === "" ? "" : "No network of this number fits the crossbars.");
      field.reportValidity();
      if (found && field.value !== "") show(found);
    });
  }

  const first = document.querySelector(".panels").dataset.first;
  if (first) choose(first);

  /* Copying */

  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      const status = button.parentElement.querySelector("[role=status]");
      try {
        await navigator.clipboard.writeText(code.textContent);
        status.textContent = "copied";
      } catch {
        getSelection().selectAllChildren(code);
        status.textContent = "selected; copy it with Ctrl+C";
      }
    });
  }
})();
