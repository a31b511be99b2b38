"use strict";
// All cases: a filter, a list in pages, and one case at a time. Data only ever become text.
(function () {
  const PAGE = 50;
  const MOST_PICKS = 30;
  const packed = document.getElementById("case-data");
  const explorer = document.getElementById("explorer");
  if (!packed || !explorer || typeof DecompressionStream === "undefined") return;
  const by = (id) => document.getElementById(id);
  const make = makeElement;
  const collator = new Intl.Collator("en", { numeric: true });

  async function unpack() {
    const letters = atob(packed.textContent.trim());
    const bytes = new Uint8Array(letters.length);
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = letters.charCodeAt(at);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  function columnsOf(set) {
    const last = (one) => one.sides.at(-1);
    const value = (side) => (one) => one.sides[side].value ?? -1;
    const rank = new Map(set.statuses.map(([status], place) => [status, place]));
    let places = null;
    const idPlace = (one) => {
      places ??= new Map([...set.cases].sort((a, b) => collator.compare(a.id, b.id))
        .map((each, place) => [each, place]));
      return places.get(one);
    };
    const scores = set.sides.length > 1
      ? [{ name: "Before", key: value(0), number: true }, { name: "After", key: value(1), number: true }]
      : [{ name: "Score", key: value(0), number: true }];
    return [
      { name: "Status", key: (one) => rank.get(one.status) },
      { name: "Case", key: idPlace },
      ...scores,
      { name: "Tokens", key: (one) => last(one).tokens, number: true },
      { name: "Time", key: (one) => last(one).seconds, number: true },
      { name: "Failure", key: (one) => last(one).kind },
    ];
  }

  function explore({ sets, texts }) {
    const columns = new Map(sets.map((set) => [set, columnsOf(set)]));
    const columnNames = (set) => columns.get(set).map((column) => column.name);
    const homes = new Map(sets.flatMap((set) => set.cases.map((one) => [one.anchor, [set, one]])));
    const panels = casePanel(texts);
    let filter = plainFilter(sets[0]);
    let shown = [];
    let shownCase;

    const status = (one) => make("span", { class: `status ${one.status}` },
      filter.set.statuses.find(([name]) => name === one.status)?.[1] ?? one.status);
    const score = (side) => (side.value === null ? "error" : String(Math.round(side.value * 1000) / 1000));

    // The filter and the list.

    function choose(changed) {
      filter = { ...filter, page: 0, ...changed };
      shown = filteredCases(filter, columns.get(filter.set), texts);
      list();
      remember();
    }

    function use(wanted) {
      filter = wanted;
      shown = filteredCases(filter, columns.get(filter.set), texts);
      filter.page = Math.min(filter.page, Math.max(0, Math.ceil(shown.length / PAGE) - 1));
      switches();
      picks();
      head();
      by("needle").value = filter.needle;
    }

    function remember() {
      const fragment = `#${filterFragment(filter, sets, columnNames)}`;
      try {
        history.replaceState(null, "", fragment);
      } catch { /* what is shown does not depend on it */ }
    }

    const isFiltered = () => filterFragment(filter, sets, columnNames)
      !== filterFragment(plainFilter(sets[0]), sets, columnNames);

    function list() {
      const first = filter.page * PAGE;
      by("case-rows").replaceChildren(...shown.slice(first, first + PAGE).map(row));
      const to = Math.min(first + PAGE, shown.length);
      const range = shown.length > PAGE ? ` (${first + 1} to ${to})` : "";
      by("shown").textContent = `${shown.length} of ${filter.set.cases.length} shown${range}.`;
      by("none-shown").hidden = shown.length > 0;
      by("case-list").hidden = shown.length === 0;
      by("earlier").disabled = first === 0;
      by("later").disabled = to >= shown.length;
    }

    function row(one) {
      const last = one.sides.at(-1);
      return make("tr", {},
        make("td", {}, status(one)),
        make("th", { scope: "row" }, make("a", { href: `#${one.anchor}` }, one.id),
          make("small", { class: "gist" }, one.gist)),
        ...one.sides.map((side) => make("td", { class: "n" }, score(side))),
        make("td", { class: "n" }, String(last.tokens)),
        make("td", { class: "n" }, `${last.seconds} s`),
        make("td", {}, last.kind));
    }

    function head() {
      const all = columns.get(filter.set);
      by("case-head").replaceChildren(...all.map((column, place) => {
        const isSorted = filter.sort === place && (place > 0 || filter.down);
        const way = filter.down ? "descending" : "ascending";
        const button = make("button", { type: "button", class: "sorts" }, column.name);
        button.addEventListener("click", () => {
          const down = filter.sort === place ? !filter.down : Boolean(column.number);
          choose({ sort: place, down });
          head();
          by("case-head").children[place].firstElementChild.focus();
        });
        const cell = make("th", { scope: "col", "aria-sort": isSorted ? way : "none" }, button);
        if (column.number) cell.className = "n";
        return cell;
      }));
    }

    function box(type, name, value, label, isChecked) {
      const input = make("input", { type, name, value });
      input.checked = isChecked;
      return make("label", {}, input, ` ${label}`);
    }

    function switches() {
      by("sets").hidden = sets.length < 2;
      by("sets").replaceChildren(make("legend", {}, "Cases"), ...sets.map((set) =>
        box("radio", "set", set.name, set.heading, set === filter.set)));
      by("statuses").replaceChildren(make("legend", {}, "Show"),
        ...filter.set.statuses.map(([name, label, count]) => box("checkbox", "status", name,
          `${label} (${count})`, !filter.statuses.size || filter.statuses.has(name))));
    }

    function picks() {
      const names = new Map([["failure", "failure"]]);
      for (const one of filter.set.cases) for (const [tag] of one.tags) names.set(`tag.${tag}`, tag);
      for (const metric of otherMetrics(filter.set)) names.set(`metric.${metric}`, `by ${metric}`);
      by("picks").replaceChildren(...[...names].flatMap(([name, label]) => {
        const found = [...new Set(filter.set.cases.flatMap((one) => facetsOf(one, name)))]
          .filter((choice) => choice).sort(collator.compare);
        const isOffered = found.length >= (name === "failure" ? 1 : 2) && found.length <= MOST_PICKS;
        if (!isOffered && !filter.picked.get(name)) return [];
        const select = make("select", {}, make("option", { value: "" }, "all"),
          ...found.map((choice) => make("option", { value: choice }, choice)));
        select.value = filter.picked.get(name) ?? "";
        select.addEventListener("input", () =>
          choose({ picked: new Map(filter.picked).set(name, select.value) }));
        return [make("label", {}, `${label} `, select)];
      }));
    }

    function checked() {
      const boxes = [...by("statuses").querySelectorAll("input")];
      const on = boxes.filter((each) => each.checked).map((each) => each.value);
      if (on.length === boxes.length) return new Set();
      return new Set(on.length ? on : ["none"]);
    }

    // One case.

    function steps(one) {
      const place = shown.indexOf(one);
      const step = (label, to) => {
        const other = place < 0 ? undefined : shown[to];
        return other ? make("a", { href: `#${other.anchor}` }, label)
          : make("span", { class: "fine" }, label);
      };
      const back = `#${filterFragment(filter, sets, columnNames)}`;
      return make("p", { class: "steps" }, make("a", { href: back }, "All cases"),
        step("Previous", place - 1), step("Next", place + 1),
        make("span", { class: "fine" }, place < 0 ? "not in this filter"
          : `${place + 1} of ${shown.length} shown`));
    }

    function view(one) {
      by("one-case").replaceChildren(steps(one), ...panels(one, status(one), filter.set.sides));
      by("one-case").focus({ preventScroll: true });
      by("one-case").scrollIntoView();
    }

    // What the address asks for: one case, a filter, or nothing that is about cases.

    function fragment() {
      const hash = location.hash.slice(1);
      if (hash.startsWith("cases")) return hash;
      try { return decodeURIComponent(hash); } catch { return ""; }
    }

    function follow() {
      const id = fragment();
      const [set, one] = homes.get(id) ?? [];
      const left = shownCase;
      shownCase = one;
      if (set && set !== filter.set) use(plainFilter(set));
      const isMissing = !one && id.startsWith("case-") && !by(id);
      if (id.startsWith("cases?")) use(readFilter(id, sets, columnNames));
      else if (isFiltered() && (isMissing || !id || id === "cases")) use(plainFilter(sets[0]));
      by("no-such").hidden = !isMissing;
      for (const part of ["filter", "case-list"]) by(part).hidden = Boolean(one);
      explorer.querySelector(".pages").hidden = Boolean(one);
      by("one-case").hidden = !one;
      if (one) {
        view(one);
        return;
      }
      list();
      if (id.startsWith("cases?")) by("cases").scrollIntoView();
      const link = left && [...by("case-rows").querySelectorAll("a")].find((a) => a.hash === `#${left.anchor}`);
      if (link) link.focus();
      if (!by("no-such").hidden) by("no-such").scrollIntoView();
    }

    by("filter").addEventListener("submit", (event) => event.preventDefault());
    by("filter").addEventListener("change", (event) => {
      if (event.target.name === "status") choose({ statuses: checked() });
      if (event.target.name !== "set") return;
      use(plainFilter(sets.find((set) => set.name === event.target.value)));
      choose({});
      by("sets").querySelector("input:checked").focus();
    });
    by("needle").addEventListener("input", () => choose({ needle: by("needle").value }));
    for (const [id, way] of [["earlier", -1], ["later", 1]]) {
      by(id).addEventListener("click", () => {
        filter.page += way;
        list();
        remember();
      });
    }
    by("reset").addEventListener("click", () => {
      use(plainFilter(filter.set));
      choose({});
    });
    addEventListener("hashchange", follow);
    explorer.hidden = false;
    by("first-cases").classList.add("on-paper");
    use(filter);
    follow();
    prepare(sets.flatMap((set) => (set.cases.length ? [set] : [])), texts);
  }

  // What a search looks through is made while nobody waits; the rest of it by the first search.
  function prepare(sets, texts) {
    const set = sets.find((each) => (each.searched ?? []).length < each.cases.length);
    if (!set) return;
    searchedTexts(set, texts, performance.now() + 8);
    setTimeout(() => prepare(sets, texts), 0);
  }

  // After the first paint: what stands above needs no script.
  requestAnimationFrame(() => setTimeout(() => unpack().then(explore), 0));
})();
