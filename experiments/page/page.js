"use strict";
// Everything is readable without this: it sorts, switches arms off, shows values on
// hover or touch, and unfolds what is printed.
(() => {
  const all = (sel, from = document) => [...from.querySelectorAll(sel)];

  // Values of a picture's parts.
  const tip = document.getElementById("tip");
  all("svg [data-arm] > title").forEach(t => { t.parentNode.dataset.tip = t.textContent; t.remove(); });
  const show = e => {
    const part = e.target.closest ? e.target.closest("[data-tip]") : null;
    tip.style.display = part ? "block" : "none";
    if (!part) return;
    tip.textContent = part.dataset.tip;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(e.clientX + 12, innerWidth - box.width - 4)) + "px";
    tip.style.top = (e.clientY + 16 + box.height < innerHeight ? e.clientY + 16 : e.clientY - box.height - 8) + "px";
  };
  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("scroll", () => { tip.style.display = "none"; }, true);
  document.addEventListener("keydown", e => { if (e.key === "Escape") tip.style.display = "none"; });

  // Arms.
  const arms = document.getElementById("arms");
  if (arms) {
    arms.hidden = false;
    arms.addEventListener("change", e => {
      all("[data-arm]").forEach(x => { if (x.dataset.arm === e.target.value) x.classList.toggle("off", !e.target.checked); });
    });
  }

  // Tables. A number may have a unit, and an interval or another number behind it.
  const units = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
  const value = text => {
    const m = /^[<>]?(-?[\d.]+(?:e[+-]?\d+)?)([kMGT](?![a-z]))?/.exec(text.trim().replace(/^[▲▼≥=?p]\s*=?/, ""));
    return m ? parseFloat(m[1]) * (units[m[2]] || 1) : null;
  };
  all("table.sortable").forEach(table => {
    const body = table.tBodies[0], rows = [...body.rows];
    if (rows.length < 2) return;
    all("thead th", table).forEach((th, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...th.childNodes);
      th.append(button);
      button.addEventListener("click", () => {
        const up = th.getAttribute("aria-sort") === "descending";
        all("thead th", table).forEach(x => x.removeAttribute("aria-sort"));
        th.setAttribute("aria-sort", up ? "ascending" : "descending");
        const key = row => { const text = row.cells[i].textContent.trim(); return { text, number: value(text) }; };
        const order = (a, b) => a.number === null || b.number === null
          ? (a.number !== null) - (b.number !== null) || a.text.localeCompare(b.text)
          : a.number - b.number;
        rows.sort((a, b) => (up ? 1 : -1) * order(key(a), key(b))).forEach(r => body.append(r));
      });
    });
  });

  // What is linked to or printed is unfolded.
  const unfold = () => {
    const to = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!to) return;
    for (let d = to.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
    to.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();
  let folded = [];
  addEventListener("beforeprint", () => {
    const now = all("details:not([open]):not(.noprint)");
    now.forEach(d => { d.open = true; });
    folded = folded.concat(now);
  });
  addEventListener("afterprint", () => { folded.forEach(d => { d.open = false; }); folded = []; });
})();
