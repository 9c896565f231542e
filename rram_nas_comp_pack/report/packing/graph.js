"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const panel = by("graph"), told = by("graph-told"), choice = by("atlas-layer");
  const nodes = [...panel.querySelectorAll("[data-layer]")];
  const of = new Map(nodes.map((node) => [Number(node.dataset.layer), node]));
  const lines = [...panel.querySelectorAll("path")];

  /* One node is in the order of tabs; arrow keys go from it to the others. */

  const reach = (node) => {
    for (const other of nodes) other.setAttribute("tabindex", other === node ? "0" : "-1");
  };

  const reveal = (node) => {
    const frame = panel.getBoundingClientRect(), place = node.getBoundingClientRect();
    if (place.top < frame.top || place.bottom > frame.bottom) {
      panel.scrollTop += place.top - frame.top - (frame.height - place.height) / 2;
    }
    if (place.left < frame.left || place.right > frame.right) {
      panel.scrollLeft += place.left - frame.left - (frame.width - place.width) / 2;
    }
  };

  const mark = (layer, chosen) => {
    const node = of.get(layer);
    for (const other of nodes) {
      other.classList.toggle("lit", other === node);
      other.setAttribute("aria-pressed", String(chosen && other === node));
    }
    for (const line of lines) {
      line.classList.toggle("lit", [line.dataset.from, line.dataset.to].includes(String(layer)));
    }
    panel.classList.toggle("chosen", chosen && node !== undefined);
    told.textContent = node ? node.getAttribute("aria-label") : "\u00a0";
    if (node) { reach(node); reveal(node); }
  };

  const choose = (node) => {
    choice.value = choice.value === node.dataset.layer ? "" : node.dataset.layer;
    choice.dispatchEvent(new Event("change"));
  };

  const go = (node) => {
    if (!node) return;
    reach(node);
    node.focus({ preventScroll: true });
    reveal(node);
    told.textContent = node.getAttribute("aria-label");
  };

  panel.addEventListener("click", (event) => {
    const node = event.target.closest("[data-layer]");
    if (node) { choose(node); go(node); }
  });
  panel.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const node = event.target.closest("[data-layer]"), at = nodes.indexOf(node);
    if (!node) return;
    if (event.key === "ArrowDown" || event.key === "ArrowRight") go(nodes[at + 1]);
    else if (event.key === "ArrowUp" || event.key === "ArrowLeft") go(nodes[at - 1]);
    else if (event.key === "Home") go(nodes[0]);
    else if (event.key === "End") go(nodes.at(-1));
    else if (event.key === "Enter" || event.key === " ") choose(node);
    else if (event.key === "Escape") { choice.value = ""; choice.dispatchEvent(new Event("change")); }
    else return;
    event.preventDefault();
  });
  document.addEventListener("atlas-layer", (event) => mark(event.detail.layer, event.detail.chosen));
  reach(nodes[0]);
})();
