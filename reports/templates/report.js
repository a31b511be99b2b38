"use strict";
// The report is whole without scripts: this opens what a link or a printer asks for, and lets links
// to cases lead on to those that are meant.
(function () {
  const open = () => {
    let id = location.hash.slice(1);
    try { id = decodeURIComponent(id); } catch { return; }
    const target = document.getElementById(id);
    if (!target || !target.matches("details.case") || !target.checkVisibility()) return;
    target.open = true;
    target.scrollIntoView();
  };
  for (const link of document.querySelectorAll("a[data-filter]")) {
    link.hash = `cases?${link.dataset.filter}`;
  }
  addEventListener("hashchange", open);
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not(.case, .long, [open])")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });
  open();
})();
