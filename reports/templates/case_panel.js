"use strict";
// One case: what went in, what came out on each side, and why. Data only ever become text.
function makeElement(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function casePanel(texts) {
  const make = makeElement;

  const passage = (place, rest, kind = "text") => make("div", { class: kind }, texts[place],
    rest ? make("span", { class: "rest" }, rest) : null);

  // `marks` are lengths of stretches that stay as they are and that become `tag`, in turn.
  function marked(place, rest, marks, tag) {
    const text = texts[place];
    const parts = [];
    let at = 0;
    marks.forEach((length, turn) => {
      const piece = text.slice(at, at + length);
      if (piece) parts.push(turn % 2 ? make(tag, {}, piece) : piece);
      at += length;
    });
    if (at < text.length) parts.push(text.slice(at));
    return make("div", { class: "text output" }, ...parts,
      rest ? make("span", { class: "rest" }, rest) : null);
  }

  function output(side, isSecond, wanted) {
    if (wanted && side.against) {
      const [missing, needless] = side.against;
      return [marked(side.text, side.rest, needless, "del"),
        make("p", { class: "fine" }, `${wanted.name}; underlined is what this output lacks:`),
        marked(...wanted.cut, missing, "ins")];
    }
    return [marked(side.text, side.rest, wanted ? [] : side.marks, isSecond ? "ins" : "del")];
  }

  const behind = (title, ...inside) =>
    make("details", { class: "behind" }, make("summary", {}, title), ...inside);

  const ballots = ([gist, answers]) => behind(gist, make("ul", {}, ...answers.map(([often, ...cut]) =>
    make("li", {}, make("strong", {}, often), " ", passage(...cut)))));

  const scores = (lines) => make("ul", { class: "scores" }, ...lines.map(([metric, number, kind, reason]) =>
    make("li", {}, make("strong", {}, `${metric} ${number}`),
      ...(kind ? [" ", make("code", {}, kind)] : []), texts[reason] ? ` ${texts[reason]}` : null)));

  const asked = (messages) => behind("What it was asked", ...messages.map(([role, ...cut]) =>
    make("div", { class: "message" }, make("strong", {}, role), passage(...cut))));

  function panel(label, side, isSecond, wanted) {
    const made = make("div", { class: "side" }, make("h4", {}, label));
    if (side.error !== null) {
      made.append(make("p", { class: "text error" }, make("strong", {}, "Error: "), texts[side.error]));
    } else if (side.empty) made.append(make("p", { class: "fine" }, "The output is empty."));
    if (texts[side.text]) made.append(...output(side, isSecond, wanted));
    if (side.votes) made.append(ballots(side.votes));
    if (side.full) made.append(behind("All that was written", passage(...side.full, "text output")));
    made.append(scores(side.scores), make("p", { class: "fine" }, side.cost));
    if (side.asked.length) made.append(asked(side.asked));
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
    const warning = "To run it is a look at a sealed case, and written down as one:";
    return make("div", { class: "copier" }, sealed ? make("p", { class: "fine" }, warning) : null,
      code, make("p", {}, button, " ", said));
  }

  // Which words are marked; what is chosen for one case stays chosen for the next.
  let marksExpected = false;

  function choice(one, changed) {
    if (!one.sides.some((side) => side.against)) return null;
    const other = one.sides.length > 1 ? "the other output" : "nothing";
    const boxes = [[other, false], [one.answer ? "a full-mark answer" : "what was expected", true]].map(([label, expected]) => {
      const input = make("input", { type: "radio", name: "marked", value: expected ? "expected" : "other" });
      input.checked = marksExpected === expected;
      input.addEventListener("change", () => {
        marksExpected = expected;
        changed();
      });
      return make("label", {}, input, ` ${label}`);
    });
    return make("fieldset", { class: "marked" }, make("legend", {}, "Mark what differs from"), ...boxes);
  }

  const field = (name, cut) => (cut ? [make("dt", {}, name), make("dd", {}, passage(...cut))] : []);

  // The parts of a case's view; `status` is its status as an element, `sides` whose outputs are shown.
  return (one, status, sides) => {
    const outputs = make("div", { class: "sides" });
    const note = make("p", { class: "fine" });
    const mark = () => {
      const against = one.sides.flatMap((side) => side.against ?? []);
      const wanted = marksExpected && against.length
        ? { name: one.answer ? "A full-mark answer" : "Expected", cut: one.answer ?? one.expected } : null;
      outputs.replaceChildren(
        ...one.sides.map((side, place) => panel(sides[place], side, place > 0, wanted)));
      const said = against.some((marks) => marks.length)
        ? "Struck out are words that it does not have, underlined those of it that are missing."
        : "What differs is only white space, or in the part that is not shown.";
      note.textContent = wanted ? said : one.note;
      note.hidden = !note.textContent;
    };
    mark();
    const facts = [...one.tags.map(([name, text]) => `${name}: ${text}`), one.where];
    return [
      make("h3", { "data-anchor": one.anchor }, status, " ", make("span", { class: "id" }, one.id), " ",
        make("span", { class: "change" }, one.change)),
      make("p", { class: "fine" }, make("a", { href: `#${one.anchor}` }, "Link to this case"),
        ...facts.filter((fact) => fact).map((fact) => ` · ${fact}`)),
      make("dl", { class: "fields" },
        ...one.fields.flatMap(([name, ...cut]) => field(name, cut)),
        ...field("expected", one.expected), ...field("a full-mark answer", one.answer)),
      choice(one, mark), note, outputs,
    ].filter((part) => part !== null);
  };
}
