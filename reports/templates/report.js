"use strict";
// The report is whole without this: it only adds the filter and opens linked cases.
(function () {
  const form = document.getElementById("filter");
  const cases = Array.from(document.querySelectorAll("details.case"));
  const open = () => {
    let id = location.hash.slice(1);
    try { id = decodeURIComponent(id); } catch { return; }
    const target = document.getElementById(id);
    if (!target || !target.matches("details.case")) return;
    target.hidden = false;
    target.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not(.case)")) one.open = true;
  });
  if (form) {
    const needle = document.getElementById("needle");
    const boxes = Array.from(form.querySelectorAll("input[name=status]"));
    const texts = new Map();
    const text = (one) => {
      if (!texts.has(one)) texts.set(one, one.textContent.toLowerCase());
      return texts.get(one);
    };
    const apply = () => {
      const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      const word = needle.value.trim().toLowerCase();
      let shown = 0;
      for (const one of cases) {
        const fits = wanted.has(one.dataset.status) && (!word || text(one).includes(word));
        one.hidden = !fits;
        shown += fits;
      }
      document.getElementById("shown").textContent = `${shown} of ${cases.length} shown.`;
      document.getElementById("none-shown").hidden = shown > 0;
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    const all = (state) => () => {
      for (const one of cases) if (!one.hidden) one.open = state;
    };
    document.getElementById("open-all").addEventListener("click", all(true));
    document.getElementById("close-all").addEventListener("click", all(false));
    form.hidden = false;
    apply();
  }
  open();
})();
