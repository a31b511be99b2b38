"use strict";
// What a list of cases shows, and the same as a part of a link: `cases?of=dev&status=broken`.
function plainFilter(set) {
  return { set, statuses: new Set(), picked: new Map(), needle: "", sort: 0, down: false, page: 0 };
}

// `fragment` as `filterFragment` writes it; what it says that the cases do not have is passed over.
function readFilter(fragment, sets, columnNames) {
  const said = new URLSearchParams(fragment.replace(/^cases\??/, ""));
  const set = sets.find((each) => each.name === said.get("of")) ?? sets[0];
  const filter = plainFilter(set);
  const known = new Set(["none", ...set.statuses.map(([status]) => status)]);
  for (const status of (said.get("status") ?? "").split(",")) {
    if (known.has(status)) filter.statuses.add(status);
  }
  const offered = new Set(otherMetrics(set).map((metric) => `metric.${metric}`));
  for (const [name, choice] of said) {
    if (name.startsWith("metric.") && !offered.has(name)) continue;
    if (set.cases.some((one) => facetsOf(one, name).includes(choice))) filter.picked.set(name, choice);
  }
  filter.needle = said.get("find") ?? "";
  filter.sort = Math.max(0, columnNames(set).indexOf(said.get("sort")));
  filter.down = said.has("down");
  filter.page = Math.max(0, (Number.parseInt(said.get("page"), 10) || 1) - 1);
  return filter;
}

function filterFragment(filter, sets, columnNames) {
  const said = new URLSearchParams();
  if (sets.length > 1) said.set("of", filter.set.name);
  if (filter.statuses.size) said.set("status", [...filter.statuses].join(","));
  for (const [name, choice] of filter.picked) if (choice) said.set(name, choice);
  if (filter.needle) said.set("find", filter.needle);
  if (filter.sort || filter.down) said.set("sort", columnNames(filter.set)[filter.sort]);
  if (filter.down) said.set("down", "");
  if (filter.page) said.set("page", String(filter.page + 1));
  const text = said.toString();
  return text ? `cases?${text}` : "cases";
}

// What a case is picked by: how it fails, one of its tags, or what became of it by another metric.
function facetsOf(one, name) {
  if (name === "failure") return one.sides.at(-1).kind ? [one.sides.at(-1).kind] : [];
  if (name.startsWith("metric.")) return standings(one, name.slice("metric.".length));
  return one.tags.filter(([tag]) => `tag.${tag}` === name).map(([, text]) => text);
}

function standings(one, metric) {
  const values = one.sides.map((side) => side.scores.find(([name]) => name === metric)?.at(-1));
  const [first, last] = [values[0], values.at(-1)];
  if (last === undefined) return [];
  const found = [last >= 1 ? "full marks" : "less than full marks"];
  if (last - first > 1e-9) found.push("better");
  if (first - last > 1e-9) found.push("worse");
  return found;
}

// The metrics beside the primary one, which stands first in each output's scores.
function otherMetrics(set) {
  return [...new Set(set.cases.flatMap((one) =>
    one.sides.at(-1).scores.slice(1).map(([metric]) => metric)))];
}

// The text of each case that a search looks through, made where `texts` are and kept in the set.
function searchedTexts(set, texts, until = Infinity) {
  set.searched ??= [];
  while (set.searched.length < set.cases.length && performance.now() < until) {
    const one = set.cases[set.searched.length];
    set.searched.push([
      one.id, one.where, ...one.tags.map(([, text]) => text),
      ...one.fields.map(([, place]) => texts[place]),
      one.expected && texts[one.expected[0]], one.answer && texts[one.answer[0]],
      ...one.sides.flatMap((side) => [
        texts[side.text], side.error === null ? "" : texts[side.error],
        ...side.scores.map(([, , kind, reason]) => `${kind} ${texts[reason]}`),
      ]),
    ].join("\n").toLowerCase());
  }
  return set.searched;
}

function filteredCases(filter, columns, texts) {
  const picks = [...filter.picked].filter(([, choice]) => choice);
  const word = filter.needle.trim().toLowerCase();
  const searched = word ? searchedTexts(filter.set, texts) : null;
  const found = filter.set.cases.filter((one, place) =>
    (!filter.statuses.size || filter.statuses.has(one.status))
    && picks.every(([name, choice]) => facetsOf(one, name).includes(choice))
    && (!searched || searched[place].includes(word)));
  if (!filter.sort && !filter.down) return found;
  const key = columns[filter.sort].key;
  const way = filter.down ? -1 : 1;
  return found.map((one) => [key(one), one])
    .sort(([a], [b]) => (a < b ? -way : a > b ? way : 0))
    .map(([, one]) => one);
}
