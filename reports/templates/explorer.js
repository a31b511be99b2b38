"use strict";
// All cases: filtered, searched, sorted, and one at a time. Data only ever become text.
(function () {
  const PAGE = 50;
  const MOST_PICKS = 30;
  const packed = document.getElementById("case-data");
  const explorer = document.getElementById("explorer");
  if (!packed || !explorer || typeof DecompressionStream === "undefined") return;
  const by = (id) => document.getElementById(id);

  const make = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children.filter((child) => child !== null));
    return made;
  };

  async function unpack() {
    const letters = atob(packed.textContent.trim());
    const bytes = new Uint8Array(letters.length);
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = letters.charCodeAt(at);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  function explore(data) {
    const { cases, texts, sides } = data;
    const labels = new Map(data.statuses.map(([status, label]) => [status, label]));
    const rank = new Map(data.statuses.map(([status], place) => [status, place]));
    const last = (one) => one.sides[one.sides.length - 1];
    const value = (one, side) => one.sides[side].value ?? -1;
    const collator = new Intl.Collator("en", { numeric: true });
    let ids = null;
    const idRank = (one) => {
      ids ??= new Map([...cases].sort((a, b) => collator.compare(a.id, b.id))
        .map((each, place) => [each, place]));
      return ids.get(one);
    };
    const pair = sides.length > 1;
    const columns = [
      { name: "Status", key: (one) => rank.get(one.status) },
      { name: "Case", key: idRank },
      ...(pair ? [
        { name: "Before", key: (one) => value(one, 0), number: true },
        { name: "After", key: (one) => value(one, 1), number: true },
      ] : [{ name: "Score", key: (one) => value(one, 0), number: true }]),
      { name: "Tokens", key: (one) => last(one).tokens, number: true },
      { name: "Time", key: (one) => last(one).seconds, number: true },
      { name: "Kind", key: (one) => last(one).kind },
    ];
    const state = { needle: "", picked: new Map(), sort: 0, down: false, page: 0 };
    let shown = cases;

    // What a search looks through: made while nobody waits, the rest of it by the first search.
    const haystack = [];
    const letters = (one) => [
      one.id, one.where, ...one.tags.map(([, text]) => text),
      ...one.fields.map(([, place]) => texts[place]),
      one.expected && texts[one.expected[0]], one.answer && texts[one.answer[0]],
      ...one.sides.flatMap((side) => [
        texts[side.text], side.error === null ? "" : texts[side.error],
        ...side.scores.map(([, , kind, reason]) => `${kind} ${texts[reason]}`),
      ]),
    ].join("\n").toLowerCase();
    const searched = () => {
      while (haystack.length < cases.length) haystack.push(letters(cases[haystack.length]));
      return haystack;
    };
    const prepare = () => {
      const until = performance.now() + 8;
      while (haystack.length < cases.length && performance.now() < until) {
        haystack.push(letters(cases[haystack.length]));
      }
      if (haystack.length < cases.length) setTimeout(prepare, 0);
    };

    function apply() {
      const boxes = by("filter").querySelectorAll("input[name=status]");
      const wanted = new Set([...boxes].filter((box) => box.checked).map((box) => box.value));
      const picks = [...state.picked].filter(([, choice]) => choice !== "");
      const word = state.needle.trim().toLowerCase();
      const text = word ? searched() : null;
      shown = cases.filter((one, place) => wanted.has(one.status)
        && picks.every(([name, choice]) => facet(one, name) === choice)
        && (!text || text[place].includes(word)));
      if (state.sort || state.down) {
        const key = columns[state.sort].key;
        const keyed = shown.map((one) => [key(one), one]);
        const way = state.down ? -1 : 1;
        keyed.sort(([a], [b]) => (a < b ? -way : a > b ? way : 0));
        shown = keyed.map(([, one]) => one);
      }
      state.page = 0;
      list();
    }

    const facet = (one, name) => (name === "kind" ? last(one).kind
      : one.tags.find(([tag]) => `tag ${tag}` === name)?.[1]);

    function list() {
      const first = state.page * PAGE;
      const rows = shown.slice(first, first + PAGE).map((one) => make("tr", {},
        make("td", {}, status(one)),
        make("th", { scope: "row" }, make("a", { href: `#${one.anchor}` }, one.id),
          make("small", { class: "gist" }, one.gist)),
        ...one.sides.map((side) => make("td", { class: "n" }, score(side))),
        make("td", { class: "n" }, String(last(one).tokens)),
        make("td", { class: "n" }, `${last(one).seconds} s`),
        make("td", {}, last(one).kind)));
      by("case-rows").replaceChildren(...rows);
      const to = Math.min(first + PAGE, shown.length);
      const range = shown.length > PAGE ? ` (${first + 1} to ${to})` : "";
      by("shown").textContent = `${shown.length} of ${cases.length} shown${range}.`;
      by("none-shown").hidden = shown.length > 0;
      by("case-list").hidden = shown.length === 0;
      by("earlier").disabled = first === 0;
      by("later").disabled = to >= shown.length;
    }

    const status = (one) =>
      make("span", { class: `status ${one.status}` }, labels.get(one.status) ?? one.status);
    const score = (side) => (side.value === null ? "error" : String(Math.round(side.value * 1000) / 1000));

    function head() {
      by("case-head").replaceChildren(...columns.map((column, place) => {
        const sorted = state.sort === place && (place > 0 || state.down);
        const way = state.sort === place ? (state.down ? "descending" : "ascending") : "none";
        const button = make("button", { type: "button", class: "sorts" }, column.name);
        button.addEventListener("click", () => {
          state.down = state.sort === place ? !state.down : Boolean(column.number);
          state.sort = place;
          head();
          apply();
          by("case-head").children[place].firstElementChild.focus();
        });
        const cell = make("th", { scope: "col", "aria-sort": sorted ? way : "none" }, button);
        if (column.number) cell.className = "n";
        return cell;
      }));
    }

    function picks() {
      const names = new Map([["kind", "failure"]]);
      for (const one of cases) for (const [tag] of one.tags) names.set(`tag ${tag}`, tag);
      const made = [...names].flatMap(([name, label]) => {
        const found = [...new Set(cases.map((one) => facet(one, name)))]
          .filter((choice) => choice).sort(collator.compare);
        if (found.length < (name === "kind" ? 1 : 2) || found.length > MOST_PICKS) return [];
        const select = make("select", {}, make("option", { value: "" }, "all"),
          ...found.map((choice) => make("option", { value: choice }, choice)));
        select.addEventListener("input", () => {
          state.picked.set(name, select.value);
          apply();
        });
        return [make("label", {}, `${label} `, select)];
      });
      by("picks").replaceChildren(...made);
    }

    // One case.

    const passage = (place, rest, kind = "text") => make("div", { class: kind }, texts[place],
      rest ? make("span", { class: "rest" }, rest) : null);

    function output(side, added) {
      const text = texts[side.text];
      const parts = [];
      let at = 0;
      side.marks.forEach((length, place) => {
        const piece = text.slice(at, at + length);
        if (piece) parts.push(place % 2 ? make(added ? "ins" : "del", {}, piece) : piece);
        at += length;
      });
      if (at < text.length) parts.push(text.slice(at));
      return make("div", { class: "text output" }, ...parts,
        side.rest ? make("span", { class: "rest" }, side.rest) : null);
    }

    const behind = (title, ...inside) =>
      make("details", { class: "behind" }, make("summary", {}, title), ...inside);

    function panel(side, place) {
      const made = make("div", { class: "side" }, make("h4", {}, sides[place]));
      if (side.error !== null) {
        made.append(make("p", { class: "text error" }, make("strong", {}, "Error: "), texts[side.error]));
      } else if (side.empty) made.append(make("p", { class: "fine" }, "The output is empty."));
      if (texts[side.text]) made.append(output(side, place > 0));
      if (side.votes) {
        made.append(behind(side.votes[0], make("ul", {}, ...side.votes[1].map(([often, text, rest]) =>
          make("li", {}, make("strong", {}, often), " ", passage(text, rest))))));
      }
      if (side.full) made.append(behind("All that was written", passage(...side.full, "text output")));
      made.append(make("ul", { class: "scores" }, ...side.scores.map(([metric, number, kind, reason]) =>
        make("li", {}, make("strong", {}, `${metric} ${number}`),
          ...(kind ? [" ", make("code", {}, kind)] : []), texts[reason] ? ` ${texts[reason]}` : null))));
      made.append(make("p", { class: "fine" }, side.cost));
      if (side.asked.length) {
        made.append(behind("What it was asked", ...side.asked.map(([role, text, rest]) =>
          make("div", { class: "message" }, make("strong", {}, role), passage(text, rest)))));
      }
      if (side.command) made.append(copier(side.command));
      return made;
    }

    function copier(command) {
      const said = make("output", { "aria-live": "polite" });
      const code = make("code", {}, command);
      const button = make("button", { type: "button" }, "Copy the command that runs this case");
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(command);
          said.textContent = "Copied.";
        } catch {
          getSelection().selectAllChildren(code);
          said.textContent = "Selected: copy it with your keyboard.";
        }
      });
      const sealed = command.includes("--split test");
      return make("div", { class: "copier" }, code, make("p", {}, button, " ", said),
        sealed ? make("p", { class: "fine" }, "It asks a sealed case: that is written down as a look.") : null);
    }

    function field(name, cut) {
      return cut ? [make("dt", {}, name), make("dd", {}, passage(...cut))] : [];
    }

    function steps(one) {
      const place = shown.indexOf(one);
      const step = (label, to) => {
        const other = place < 0 ? undefined : shown[to];
        return other ? make("a", { href: `#${other.anchor}` }, label)
          : make("span", { class: "fine" }, label);
      };
      return make("p", { class: "steps" }, make("a", { href: "#cases" }, "All cases"),
        step("Previous", place - 1), step("Next", place + 1),
        make("span", { class: "fine" }, place < 0 ? "not in this filter"
          : `${place + 1} of ${shown.length} shown`));
    }

    function view(one) {
      const facts = [...one.tags.map(([name, text]) => `${name}: ${text}`), one.where];
      by("one-case").replaceChildren(
        steps(one),
        make("h3", { "data-anchor": one.anchor }, status(one), " ", make("span", { class: "id" }, one.id), " ",
          make("span", { class: "change" }, one.change)),
        make("p", { class: "fine" }, make("a", { href: `#${one.anchor}` }, "Link to this case"),
          ...facts.filter((fact) => fact).map((fact) => ` · ${fact}`)),
        ...(one.note ? [make("p", { class: "fine" }, one.note)] : []),
        make("dl", { class: "fields" },
          ...one.fields.flatMap(([name, ...cut]) => field(name, cut)),
          ...field("expected", one.expected), ...field("a full-mark answer", one.answer)),
        make("div", { class: "sides" }, ...one.sides.map(panel)));
    }

    const anchors = new Map(cases.map((one) => [one.anchor, one]));
    const parts = ["filter", "case-list"];
    let shownCase;
    function follow() {
      let id = location.hash.slice(1);
      try { id = decodeURIComponent(id); } catch { id = ""; }
      const one = anchors.get(id);
      by("no-such").hidden = Boolean(one) || !id.startsWith("case-") || Boolean(by(id));
      const left = shownCase;
      shownCase = one;
      for (const part of parts) by(part).hidden = Boolean(one);
      explorer.querySelector(".pages").hidden = Boolean(one);
      by("one-case").hidden = !one;
      if (one) {
        view(one);
        by("one-case").focus({ preventScroll: true });
        by("one-case").scrollIntoView();
      } else {
        list();
        const row = left && [...by("case-rows").querySelectorAll("a")].find((a) => a.hash === `#${left.anchor}`);
        if (row) row.focus();
        if (!by("no-such").hidden) by("no-such").scrollIntoView();
      }
    }

    by("filter").addEventListener("submit", (event) => event.preventDefault());
    by("filter").addEventListener("change", (event) => {
      if (event.target.name === "status") apply();
    });
    by("needle").addEventListener("input", () => {
      state.needle = by("needle").value;
      apply();
    });
    by("earlier").addEventListener("click", () => { state.page -= 1; list(); });
    by("later").addEventListener("click", () => { state.page += 1; list(); });
    by("reset").addEventListener("click", () => {
      by("filter").reset();
      state.needle = "";
      state.picked.clear();
      state.sort = 0;
      state.down = false;
      head();
      apply();
    });
    addEventListener("hashchange", follow);
    picks();
    head();
    explorer.hidden = false;
    by("first-cases").classList.add("on-paper");
    state.needle = by("needle").value;
    apply();
    follow();
    prepare();
  }

  // After the first paint: what stands above needs no script.
  requestAnimationFrame(() => setTimeout(() => unpack().then(explore), 0));
})();
