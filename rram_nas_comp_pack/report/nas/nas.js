"use strict";
(() => {
  const points = [...document.querySelectorAll(".pick")];
  const rows = () => [...document.querySelectorAll(".networks tbody tr")];
  const panels = document.querySelectorAll(".panel");

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

  if (location.protocol === "file:") {
    for (const code of document.querySelectorAll("code[data-folder]")) {
      code.textContent = code.textContent.replace(/ofa:RUN_DIR\/\S+/,
        (word) => quoted(word.replace("RUN_DIR", () => joined(code.dataset.folder))));
    }
    const name = joined(".").split("/").pop();
    if (name) document.title = `${name}: ${document.title}`;
  }

  /* Choosing a network, by point or by row */

  const choose = (name) => {
    for (const panel of panels) panel.hidden = panel.id !== name;
    document.querySelector(".panels .hint").hidden = true;
    for (const point of points) point.setAttribute("aria-pressed", String(point.dataset.network === name));
    for (const row of rows()) {
      if (row.dataset.network === name) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    document.querySelector(".front").scrollIntoView({ block: "nearest" });
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
    one.addEventListener("click", () => choose(one.dataset.network));
    one.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        choose(one.dataset.network);
      } else walk(all(), one, event);
    });
  };

  for (const point of points) listen(point, () => points);
  for (const row of rows()) listen(row, rows);
  points[0]?.setAttribute("tabindex", "0");

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
