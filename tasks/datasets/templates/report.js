"use strict";
// Shows the trajectories of the JSON element. Text from the data reaches the page as text nodes only, and through `shown`.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const form = document.getElementById("filters");
  const list = document.getElementById("list");
  const pane = document.getElementById("trajectory");
  const count = document.getElementById("count");
  const FIELDS = ["category", "kind", "outcome", "q"];
  const haystack = new Map();
  let found = [];
  let current = null;

  // Lines and tabs stay; what turns the direction of writing, has no width or is no character at all becomes a space.
  const shown = (text) => text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu, " ");

  function el(tag, name, ...children) {
    const node = document.createElement(tag);
    if (name) node.className = name;
    for (const child of children) node.append(typeof child === "string" ? document.createTextNode(shown(child)) : child);
    return node;
  }
  const words = (code) => code.replaceAll("_", " ");
  const parse = (text) => { try { return JSON.parse(text); } catch { return undefined; } };

  function paint(value) {
    // Colours pretty-printed JSON: keys, strings, numbers, words.
    const pre = el("pre");
    const text = shown(typeof value === "string" ? value : JSON.stringify(value, null, 2));
    const token = /("(?:\\.|[^"\\])*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g;
    let last = 0;
    if (typeof value !== "string") {
      for (const match of text.matchAll(token)) {
        pre.append(text.slice(last, match.index));
        const kind = match[1] ? (match[2] ? "k" : "s") : /^[tfn]/.test(match[0]) ? "w" : "n";
        pre.append(el("span", kind, match[1] ?? match[0]), match[2] ?? "");
        last = match.index + match[0].length;
      }
    }
    pre.append(text.slice(last));
    return pre;
  }

  function turn(kind, who, ...body) { return el("section", "turn " + kind, el("p", "who", ...[who].flat()), ...body); }

  function showCall([, name, text]) {
    const value = parse(text);
    const body = value && typeof value === "object" && Object.keys(value).length === 0 ? [] : [paint(value ?? text)];
    const head = el("p", "box-head", name + (body.length ? "" : "()"));
    const label = value === undefined ? ["Tool call", el("span", "chip bad", "not JSON")] : "Tool call";
    return turn("call", label, el("div", "box", head, ...body));
  }

  function showObservation(message) {
    const value = parse(message.content);
    const status = value && typeof value === "object" ? value.status : undefined;
    const good = typeof status === "number" && status >= 200 && status < 300;
    const label = ["Observation"];
    if (status !== undefined) label.push(el("span", "chip " + (good ? "good" : "bad"), String(status)));
    const body = status === undefined ? value ?? message.content : value.body ?? null;
    return turn("seen" + (good || status === undefined ? "" : " error"), label, el("div", "box", paint(body)));
  }

  function showMessage(message, isLast) {
    if (message.role === "user") return [turn("user", "User", el("p", "said", message.content))];
    if (message.role === "tool") return [showObservation(message)];
    if (message.role === "system") return [];
    if (!message.calls) {
      return [turn("answer" + (isLast ? " final" : ""), isLast ? "Assistant · response" : "Assistant asks", el("p", "said", message.content || "(empty)"))];
    }
    const thought = message.content ? [turn("thought", "Thought", el("p", "said", message.content))] : [];
    return [...thought, ...message.calls.map(showCall)];
  }

  function fold(title, ...children) { return el("details", "fold", el("summary", "", title), ...children); }

  function showTool(tool) {
    const described = tool.function ?? tool;
    const parameters = described.parameters ?? {};
    return el("div", "tool", el("code", "", described.name ?? ""), el("p", "", described.description ?? ""), el("div", "box", paint(parameters.properties ?? parameters)));
  }

  function showRow(row, focus) {
    current = row?.id ?? null;
    pane.replaceChildren();
    for (const button of list.querySelectorAll(".row")) button.setAttribute("aria-current", String(button.dataset.id === current));
    if (!row) { pane.append(el("p", "empty", "No trajectory matches the filters.")); return; }
    const api = data.apis[row.api] ?? { name: row.name, intro: "", tools: [] };
    const chips = [el("span", "chip kind", words(row.kind)), el("span", "chip", row.category), el("span", "chip " + (row.split === "rejected" ? "bad" : "good"), row.split)];
    for (const reason of row.reasons) chips.push(el("span", "chip bad", words(reason)));
    pane.append(el("div", "head-meta", ...chips), el("h3", "", row.text));
    const calls = row.calls === 1 ? "1 call" : row.calls + " calls";
    pane.append(el("p", "origin", `${api.name} · ${calls} · ${row.tokens[0]} tokens in, ${row.tokens[1]} out · seed ${row.seed} · ${row.id}`));
    if (row.reasons.length || row.failed.length) {
      const lines = row.failed.map((check) => el("p", "", el("b", "", words(check.reason ?? check.check)), ": ", check.detail || data.reasons[check.reason] || ""));
      const plain = row.reasons.map((reason) => el("p", "", el("b", "", words(reason)), ": ", data.reasons[reason] ?? ""));
      pane.append(el("div", "failed", ...(lines.length ? lines : plain)));
    }
    const system = row.messages.filter((message) => message.role === "system").map((message) => message.content).join("\n\n");
    if (api.tools.length) pane.append(fold(`Tools (${api.tools.length})`, el("p", "origin", api.intro), ...api.tools.map(showTool)));
    if (system) pane.append(fold("System message", el("p", "said", system)));
    const talk = el("div", "talk");
    row.messages.forEach((message, index) => talk.append(...showMessage(message, index === row.messages.length - 1)));
    pane.append(talk);
    if (focus) list.querySelector('[aria-current="true"]')?.focus();
  }

  function showListed(row) {
    const meta = el("span", "row-meta", el("span", "chip kind", words(row.kind)), el("span", "", row.name));
    if (row.reasons.length) meta.append(el("span", "chip bad", words(row.reasons[0]) + (row.reasons.length > 1 ? " +" + (row.reasons.length - 1) : "")));
    const button = el("button", "row", el("span", "row-text", row.text), meta);
    button.type = "button";
    button.dataset.id = row.id;
    button.addEventListener("click", () => { showRow(row); writeHash(); if (matchMedia("(max-width: 860px)").matches) pane.scrollIntoView(); });
    return el("li", "", button);
  }

  function findable(row) {
    if (!haystack.has(row.id)) {
      const parts = [row.text, row.name, row.category, row.id];
      for (const message of row.messages) if (message.role !== "system") parts.push(message.content, ...(message.calls ?? []).flatMap((call) => call.slice(1)));
      haystack.set(row.id, parts.join("\n").toLowerCase());
    }
    return haystack.get(row.id);
  }

  function matches(row, want) {
    if (want.category && row.category !== want.category) return false;
    if (want.kind && row.kind !== want.kind) return false;
    if (want.outcome === "accepted" && row.split === "rejected") return false;
    if (["train", "test", "rejected"].includes(want.outcome) && row.split !== want.outcome) return false;
    if (want.outcome?.startsWith("reason:") && !row.reasons.includes(want.outcome.slice(7))) return false;
    return want.q.toLowerCase().split(/\s+/).every((word) => findable(row).includes(word));
  }

  const readForm = () => Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value]));

  function applyFilters(id) {
    const want = readForm();
    found = data.rows.filter((row) => matches(row, want));
    list.replaceChildren(...found.map(showListed));
    count.textContent = `${found.length} of ${data.rows.length} trajectories on this page`;
    // At first sight a conversation that shows most: several calls, and accepted.
    const telling = found.find((row) => row.calls > 1 && row.split !== "rejected");
    showRow(found.find((row) => row.id === (id ?? current)) ?? telling ?? found[0]);
  }

  function writeHash() {
    const state = new URLSearchParams();
    for (const [name, value] of Object.entries(readForm())) if (value) state.set(name, value);
    if (current) state.set("row", current);
    history.replaceState(null, "", "#" + state);
  }

  function readHash() {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const name of FIELDS) form.elements[name].value = state.get(name) ?? "";
    for (const select of form.querySelectorAll("select")) if (select.selectedIndex < 0) select.value = "";
    applyFilters(state.get("row"));
  }

  function fill(name, values, label) {
    for (const value of values) {
      const option = el("option", "", label(value));
      option.value = value;
      form.elements[name].append(option);
    }
  }

  const distinct = (values) => [...new Set(values)].sort((a, b) => a.localeCompare(b));
  fill("category", distinct(data.rows.map((row) => row.category)), (value) => value);
  fill("kind", distinct(data.rows.map((row) => row.kind)), words);
  fill("outcome", ["accepted", "train", "test", "rejected"], (value) => value[0].toUpperCase() + value.slice(1));
  fill("outcome", distinct(data.rows.flatMap((row) => row.reasons)).map((reason) => "reason:" + reason), (value) => "Rejected: " + words(value.slice(7)));
  form.addEventListener("input", () => { applyFilters(); writeHash(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { applyFilters(); writeHash(); }));
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    const next = found[found.findIndex((row) => row.id === current) + step];
    if (!step || !next) return;
    event.preventDefault();
    showRow(next, true);
    writeHash();
  });
  addEventListener("hashchange", () => { if (location.hash !== "#trajectories") readHash(); });
  readHash();
  document.documentElement.dataset.ready = "true";
})();
