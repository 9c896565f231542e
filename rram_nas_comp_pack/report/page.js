"use strict";
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  /* Charts */

  const colours = () => {
    const style = getComputedStyle(root);
    const of = (name) => style.getPropertyValue(name).trim();
    return { ink: of("--ink"), rule: of("--rule"), paper: of("--paper"), raised: of("--raised") };
  };

  const dressed = (layout) => {
    const c = colours();
    const found = { ...layout, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
    found.font = { ...layout.font, color: c.ink, size: 14, family: getComputedStyle(document.body).fontFamily };
    found.modebar = { bgcolor: "rgba(0,0,0,0)", color: c.rule, activecolor: c.ink };
    found.hoverlabel = { ...layout.hoverlabel, bgcolor: c.raised, bordercolor: c.rule, font: { color: c.ink } };
    for (const key of Object.keys(layout).filter((k) => /^[xy]axis/.test(k))) {
      found[key] = { ...layout[key], gridcolor: c.rule, linecolor: c.rule, zerolinecolor: c.rule };
    }
    return found;
  };

  const config = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d"],
    displayModeBar: innerWidth > 600 ? "hover" : false };

  const draw = () => Promise.all([...document.querySelectorAll(".plot")].map((plot) => {
    const { data, layout } = JSON.parse(plot.querySelector("script").textContent);
    return Plotly.react(plot.querySelector(".live"), data, dressed(layout), config);
  }));

  const inflate = async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };

  const library = document.getElementById("plotly");
  if (library) {
    inflate(library.textContent).then((code) => {
      const script = document.createElement("script");
      script.textContent = code;
      document.head.append(script);
      dark.addEventListener("change", draw);
      return draw();
    }).then(() => root.classList.add("plots-drawn"), (error) => {
      root.classList.add("no-plots");
      console.warn(`charts are shown as still images: ${error}`);
    });
  }

  /* Paper shows what is folded up */

  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details")) folded.open = true;
  });

  /* Tables */

  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };

  const sort = (head) => {
    const body = head.closest("table").tBodies[0];
    const up = head.ariaSort !== "ascending";
    const order = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
    const rows = [...body.rows].sort((a, b) => order(value(a, head.cellIndex), value(b, head.cellIndex)));
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...(up ? rows : rows.reverse()));
  };

  for (const button of document.querySelectorAll("thead button")) {
    button.addEventListener("click", () => sort(button.closest("th")));
  }
})();
