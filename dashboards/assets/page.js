// Draws a dashboard from its definition and its panels' data. State is in the URL; missing values stay words.
"use strict";
const el = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") for (const [event, action] of Object.entries(value)) node.addEventListener(event, action);
    else if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
};
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const money = (value, digits) => (value < 0 ? "-$" : "$") + Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const compact = (v) => v.toLocaleString("en-US", { notation: "compact", maximumSignificantDigits: 3 });
const dollars = ["money", "per_1k", "per_1m"];
const formats = {
  money: (v) => money(v, Math.abs(v) >= 1000 || v === 0 ? 0 : Math.abs(v) >= 1 ? 2 : 4),
  per_1k: (v) => money(v, 3), per_1m: (v) => money(v, 3), share: (v) => (100 * v).toFixed(1) + "%",
  tokens: (v) => compact(v) + " tok", token_rate: (v) => compact(v) + " tok/s", watts: (v) => v.toFixed(0) + " W", gibibytes: (v) => v.toFixed(1) + " GiB", hours: (v) => v.toFixed(1) + " h",
  days: (v) => v.toFixed(0) + (Math.round(v) === 1 ? " day" : " days"), rate: (v) => v.toLocaleString("en-US", { notation: "compact", maximumSignificantDigits: 2 }) + " req/s", celsius: (v) => v.toFixed(0) + " °C", number: (v) => v.toLocaleString("en-US", { maximumSignificantDigits: 3 }),
  bytes: (v) => (v < 1e3 ? v + " B" : v < 1e6 ? (v / 1e3).toFixed(1) + " kB" : v < 1e9 ? (v / 1e6).toFixed(1) + " MB" : (v / 1e9).toFixed(1) + " GB"),
  count: (v) => v.toLocaleString("en-US", { maximumFractionDigits: 1 }), none: (v) => String(v), text: (v) => String(v),
  seconds: (v) => (Math.abs(v) < 1 ? (1000 * v).toFixed(0) + " ms" : v < 90 ? Number(v.toFixed(1)) + " s" : v < 5400 ? Math.round(v / 60) + " min" : v < 172800 ? (v / 3600).toFixed(1) + " h" : (v / 86400).toFixed(1) + " days"),
};
const shown = (value, unit) => (value === null || value === undefined || value === "" ? "–" : (formats[unit] || formats.none)(value));
const time = (ms, bucket) => new Date(ms).toISOString().slice(0, bucket >= 86400 ? 10 : 16).replace("T", " ");

const board = document.body.dataset.dashboard;
const state = new URLSearchParams(location.search);
// Ranges are Grafana's: now, now-30d, milliseconds since 1970 or ISO text; a link means the same on either side.
const spans = { s: 1, m: 60, h: 3600, d: 86400, w: 604800, M: 2592000, y: 31536000 };
function instant(text, otherwise) {
  const now = Math.floor(Date.now() / 1000);
  if (!text) return otherwise;
  const found = /^now(?:-(\d+)([smhdwMy]))?(?:\/[smhdwMy])?$/.exec(text);
  if (found) return now - (found[1] ? Number(found[1]) * spans[found[2]] : 0);
  const ms = /^\d{12,}$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isFinite(ms) ? Math.floor(ms / 1000) : otherwise;
}
function range() {
  const to = instant(state.get("to"), Math.floor(Date.now() / 1000));
  const span = state.definition.range;
  return { from: instant(state.get("from"), to - parseInt(span) * spans[span.slice(-1)]), to };
}
function chosen(name) {
  const values = state.getAll("var-" + name).filter((value) => value && value !== "$__all");
  if (values.length) return values;
  if (name in state.definition.defaults) return [String(state.definition.defaults[name])];
  return state.definition.single.includes(name) ? (state.definition.options[name] || []).slice(0, 1) : [];
}
function asked(box) {
  const query = new URLSearchParams(box ? { ...range(), width: Math.max(300, box.clientWidth) } : range());
  for (const name of state.definition.variables) for (const value of chosen(name)) query.append("var-" + name, value);
  return query;
}
function goto(name, more) {
  const query = new URLSearchParams();
  for (const key of ["from", "to"]) if (state.get(key)) query.set(key, state.get(key));
  for (const [key, value] of Object.entries(more)) query.set("var-" + key, value);
  return `/${name}?${query}`;
}
async function json(url) {
  const answer = await fetch(url);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ? body.error.message : answer.statusText);
  return body;
}

function stat(panel, data, box) {
  const values = data.columns.length ? data.columns[1] : [];
  const now = values.length ? values[values.length - 1] : null;
  if (now === null) { box.append(el("p", { class: "value empty" }, panel.no_value)); return; }
  const level = panel.thresholds.filter(([, from]) => now >= from).pop();
  const bound = data.fields.findIndex((field) => field.name === "lower_bound");
  const least = bound > 0 && data.columns[bound][values.length - 1] ? "≥\u00a0" : "";
  box.append(el("p", { class: "value " + (level ? level[0] : "") }, least + shown(now, panel.unit)));
  const before = values.length > 1 ? values[0] : null;
  if (before) {
    const change = (now - before) / Math.abs(before);
    const arrow = Math.abs(change) < 0.0005 ? "=" : change > 0 ? "▲" : "▼";
    const word = panel.rising === "bad" ? (change > 0 ? "red" : "green") : panel.rising === "good" ? (change > 0 ? "green" : "red") : "";
    box.append(el("p", { class: "quiet" }, el("span", { class: Math.abs(change) < 0.0005 ? "" : word }, `${arrow} ${(100 * Math.abs(change)).toFixed(1)}%`), " on the period before"));
  }
}

function table(panel, data, box, sort) {
  if (!data.rows) { box.append(el("p", { class: "quiet" }, panel.no_value)); return; }
  const order = [...Array(data.rows).keys()];
  if (sort) order.sort((a, b) => {
    const [x, y] = [data.columns[sort.column][a], data.columns[sort.column][b]];
    return (x === null ? 1 : y === null ? -1 : x < y ? -1 : x > y ? 1 : 0) * sort.way;
  });
  const heads = data.fields.map((field, column) => {
    const way = sort && sort.column === column ? -sort.way : 1;
    const aria = sort && sort.column === column ? (sort.way > 0 ? "ascending" : "descending") : "none";
    return el("th", { scope: "col", class: field.type === "number" ? "number" : null, "aria-sort": aria },
      el("button", { type: "button", on: { click: () => { box.replaceChildren(); table(panel, data, box, { column, way }); } } }, field.title || field.name));
  });
  const rows = order.map((row) => el("tr", {}, ...data.fields.map((field, column) => cell(field, data.columns[column][row], data.bucket))));
  box.append(el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows))));
}
function cell(field, value, bucket) {
  return el("td", { class: field.type === "number" ? "number" : field.type === "time" ? "time" : typeof value === "string" && value.length > 45 ? "long" : null }, content(field, value, bucket));
}
function content(field, value, bucket) {
  if (field.type === "time") return value === null ? "–" : time(value, field.name === "time" ? bucket : 0);
  if (field.link && value) return el("a", { href: goto(field.link, { [field.link]: value }) }, value);
  if (field.mapping && value) {
    const [text, colour] = state.definition.mappings[field.mapping][value] || [value, "unknown"];
    return el("span", { class: "tag", style: `border-color:${state.definition.colours[colour]}` }, text);
  }
  return shown(value, field.unit);
}
function banner(panel, data, box) {
  if (!data.rows) { box.append(el("p", { class: "value empty" }, panel.no_value)); return; }
  box.append(el("dl", {}, ...data.fields.flatMap((field, n) => {
    const value = data.columns[n][0];
    return value === null || value === "" ? [] : [el("div", { class: typeof value === "string" && value.length > 30 && !field.mapping ? "wide" : null }, el("dt", {}, field.title || field.name), el("dd", {}, content(field, value, 0)))];
  })));
}
function ranking(panel, data, box) {
  if (!data.rows) { box.append(el("p", { class: "value empty" }, panel.no_value)); return; }
  const most = Math.max(...data.columns[1]);
  box.append(el("ol", { class: "shares" }, ...data.columns[0].map((name, n) => el("li", {},
    el("span", {}, name), el("span", { class: "number" }, shown(data.columns[1][n], panel.unit)),
    el("span", { class: "bar", style: `width:${(100 * data.columns[1][n]) / most}%` })))));
}
// A cell a bucket and lane: the colour says the state, the first letter too, and the title names it.
function lanes(panel, data, box) {
  if (!data.rows) { box.append(el("p", { class: "value empty" }, panel.no_value)); return; }
  const words = Object.values(state.definition.mappings[panel.codes]);
  const seen = new Set();
  const strips = data.fields.slice(1).map((field, n) => el("tr", {}, el("th", { scope: "row" }, field.title || field.name), ...data.columns[n + 1].map((code, at) => {
    const [text, colour] = code ? words[code - 1] : ["no reading", null];
    if (code) seen.add(code);
    return el("td", { title: `${time(data.columns[0][at], data.bucket)} ${text}`, style: colour ? `background:${state.definition.colours[colour]}` : null, class: code ? null : "none" }, el("span", { class: "hidden" }, text));
  })));
  const first = time(data.columns[0][0], data.bucket), last = time(data.columns[0][data.rows - 1], data.bucket);
  box.append(el("div", { class: "scroll" }, el("table", { class: "lanes" }, el("tbody", {}, ...strips))),
    el("p", { class: "quiet ends" }, el("span", {}, first), el("span", {}, last)),
    el("p", { class: "legend" }, ...[...seen].sort((x, y) => x - y).map((code) => el("span", { class: "tag", style: `border-color:${state.definition.colours[words[code - 1][1]]}` }, words[code - 1][0]))));
}
function grid(panel, data, box) {
  if (!data.rows) { box.append(el("p", { class: "value empty" }, panel.no_value)); return; }
  const most = Math.max(...data.columns.slice(1).flat().filter((v) => v !== null));
  const head = data.fields.map((field) => el("th", { scope: "col" }, field.title || field.name.replace(/^h/, "")));
  const rows = data.columns[0].map((lane, at) => el("tr", {}, el("th", { scope: "row" }, lane), ...data.columns.slice(1).map((column) =>
    el("td", { class: "number", style: column[at] === null ? null : `background:color-mix(in srgb, ${state.definition.colours.api} ${Math.round((45 * column[at]) / most)}%, transparent)` },
      column[at] === null ? "–" : compact(column[at])))));
  box.append(el("div", { class: "scroll" }, el("table", { class: "grid" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows))));
}
// The few marks of Markdown that our own texts use: `code` and paragraphs.
function words(panel, box) {
  const text = state.definition.words[panel.name];
  for (const part of text.trim().split(/\n\n+/)) box.append(el("p", {}, ...part.split("`").map((piece, n) => (n % 2 ? el("code", {}, piece) : piece.replace(/\n/g, " ")))));
  if (panel.name === "why" && chosen("workload").length) explain(box);
}
async function explain(box) {
  const place = el("div", { "aria-busy": "true" }, el("p", { class: "quiet" }, "Judging…"));
  box.prepend(place);
  try {
    const { rows } = await json("/api/v1/verdicts?" + new URLSearchParams({ workload: chosen("workload")[0], explain: 1 }));
    const said = rows.length ? rows[0].said : { sentences: ["This workload is not declared: add [workloads.NAME]."], figures: [] };
    place.replaceChildren(...said.sentences.map((line) => el("p", { class: "sentence" }, line)), el("ul", {}, ...said.figures.map((line) => el("li", {}, line))));
  } catch (error) {
    place.replaceChildren(el("p", { class: "error", role: "alert" }, error.message));
  }
  place.removeAttribute("aria-busy");
}

function chart(panel, data, box) {
  if (!data.rows || data.columns.slice(1).every((c) => c.every((v) => v === null))) { box.append(el("p", { class: "value empty" }, panel.no_value)); return; }
  if (!window.Plotly) { box.append(el("p", { class: "quiet" }, "The chart library is missing; here is the table.")); table(panel, data, box); return; }
  const curve = panel.draw === "curve", abscissa = data.fields[0];
  const x = curve ? data.columns[0] : data.columns[0].map((ms) => new Date(ms).toISOString());
  const traces = data.fields.slice(1).map((field, n) => {
    const colour = state.definition.colours[field.colour] || null;
    const base = { x, y: data.columns[n + 1], name: field.title || field.name };
    return panel.draw === "bars"
      ? { ...base, type: "bar", marker: { color: colour, pattern: { shape: /unused|empty|unknown/i.test(field.name) ? "/" : "", fillmode: "overlay", fgcolor: css("--ink"), fgopacity: 0.3, size: 5 } } }
      : field.point
        ? { ...base, type: "scatter", mode: "markers", marker: { size: 11, color: colour, symbol: "diamond" } }
        : { ...base, type: "scatter", mode: curve ? "lines" : "lines+markers", marker: { size: 4 }, line: { color: colour, dash: field.dashed ? "dash" : "solid", width: 2, shape: field.steps ? "hv" : "linear" } };
  });
  const axis = { gridcolor: css("--line"), linecolor: css("--line"), zerolinecolor: css("--line") };
  const layout = {
    margin: { l: 56, r: 8, t: 8, b: curve ? 80 : 34 }, barmode: "stack", hovermode: "x unified", paper_bgcolor: "transparent", plot_bgcolor: "transparent",
    font: { color: css("--ink"), family: "system-ui, sans-serif", size: 12 }, hoverlabel: { bgcolor: css("--card"), font: { color: css("--ink") } },
    legend: { orientation: "h", y: curve ? -0.32 : -0.16 }, xaxis: curve ? { ...axis, title: { text: abscissa.title || abscissa.name }, type: abscissa.log ? "log" : "linear" } : { ...axis, range: panel.draw === "bars" ? [1000 * (data.from - data.bucket / 2), 1000 * data.to] : [1000 * data.from, 1000 * data.to], hoverformat: data.bucket >= 86400 ? "%a %d %b %Y" : "%d %b %H:%M" },
    yaxis: { ...axis, tickprefix: dollars.includes(panel.unit) ? "$" : "", tickformat: panel.unit === "share" ? ".0%" : "", rangemode: "tozero", hoverformat: panel.unit === "share" ? ".1%" : panel.unit === "per_1k" || panel.unit === "per_1m" ? ".3f" : ",.2f" },
  };
  if (!curve) layout.shapes = marked(data.bucket);
  const place = el("div", { class: "chart", role: "img", "aria-label": describe(panel, data) });
  box.append(place);
  Plotly.newPlot(place, traces, layout, { displayModeBar: false, displaylogo: false, responsive: true });
}
function describe(panel, data) {
  return panel.title + ". " + data.fields.slice(1).map((field, n) => {
    const values = data.columns[n + 1].filter((v) => v !== null);
    return values.length ? `${field.title || field.name}: last ${shown(values[values.length - 1], panel.unit)}, from ${shown(Math.min(...values), panel.unit)} to ${shown(Math.max(...values), panel.unit)}` : `${field.name}: no value`;
  }).join("; ");
}
function marked() {
  return (state.marks || []).map((mark) => ({
    type: mark.until ? "rect" : "line", xref: "x", yref: "paper", y0: 0, y1: 1, x0: new Date(mark.time).toISOString(), x1: new Date(mark.until || mark.time).toISOString(), layer: "below",
    fillcolor: state.definition.colours[mark.colour], opacity: mark.until ? 0.25 : 0.8, line: { color: state.definition.colours[mark.colour], width: mark.until ? 0 : 1.5, dash: "dot" },
  }));
}
function csv(panel, data) {
  const quote = (v) => (v === null ? "" : /[",\n]/.test(String(v)) ? `"${String(v).replaceAll('"', '""')}"` : String(v));
  const lines = [data.fields.map((f) => quote(f.title || f.name)).join(",")];
  for (let row = 0; row < data.rows; row++) lines.push(data.columns.map((column, n) => quote(data.fields[n].type === "time" && column[row] !== null ? new Date(column[row]).toISOString() : column[row])).join(","));
  const link = el("a", { href: "data:text/csv;charset=utf-8," + encodeURIComponent(lines.join("\n") + "\n"), download: `${board}-${panel.name}.csv` });
  link.click();
}
const draws = { stat, table, lines: chart, bars: chart, curve: chart, banner, ranking, states: lanes, history: lanes, grid };

async function fill(panel, box, body) {
  if (panel.draw === "text") { body.replaceChildren(); words(panel, body); box.dataset.ready = "1"; return; }
  try {
    const data = await json(`/api/v1/panels/${board}/${panel.name}?${asked(box)}`);
    document.getElementById("scope").textContent = data.scope;
    let asTable = false;
    const redraw = () => { body.replaceChildren(); (asTable ? table : draws[panel.draw] || table)(panel, data, body); };
    const button = box.querySelector("button.switch"), save = box.querySelector("button.csv");
    if (button) button.onclick = () => { asTable = !asTable; button.textContent = asTable ? "Chart" : "Table"; button.setAttribute("aria-pressed", asTable); redraw(); };
    if (save) { save.onclick = () => csv(panel, data); save.disabled = !data.rows; }
    redraw();
    box.dataset.ready = "1";
  } catch (error) {
    const note = el("div", { class: "failed" }, el("p", { class: "error", role: "alert" }, error.message + " "), el("button", { type: "button", on: { click: () => fill(panel, box, body) } }, "Retry"));
    if (box.dataset.ready) { body.querySelector(".failed")?.remove(); body.append(note); } else body.replaceChildren(note);
  }
}

function layout(definition) {
  const main = document.getElementById("main");
  main.replaceChildren();
  const waiting = [];
  for (const row of definition.rows) {
    if (typeof row === "string") { main.append(el("h2", {}, row)); continue; }
    const line = el("div", { class: "row" });
    for (const name of new Set(row)) {
      const panel = definition.panels[name], body = el("div", { class: "body" });
      const wide = (24 / row.length) * row.filter((cell) => cell === name).length;
      const isChart = !["stat", "table", "banner", "text", "ranking"].includes(panel.draw);
      const box = el("section", { class: "panel " + panel.draw, id: name, "aria-labelledby": "title-" + name, style: `grid-column: span ${wide}`, title: panel.draw === "stat" ? panel.about : null },
        el("header", {}, el("h3", { id: "title-" + name }, panel.title), el("span", { class: "tools" },
          ...panel.links.map((link) => el("a", { href: goto(link.to, {}) }, link.title)),
          isChart ? el("button", { type: "button", class: "switch", "aria-pressed": "false", "aria-label": `${panel.title}: show as table` }, "Table") : null,
          isChart || panel.draw === "table" ? el("button", { type: "button", class: "csv", "aria-label": `${panel.title}: save as CSV` }, "CSV") : null)),
        panel.draw === "stat" ? el("p", { class: "hidden" }, panel.about) : el("p", { class: "quiet" }, panel.about), body);
      line.append(box);
      waiting.push([panel, box, body]);
    }
    main.append(line);
  }
  state.boxes = waiting;
  refresh();
}
async function refresh() {
  if (state.definition.annotations.length) {
    try { state.marks = (await json(`/api/v1/marks/${board}?${asked(null)}`)).marks; } catch { state.marks = state.marks || []; }
    const list = document.getElementById("marks");
    list.hidden = !state.marks.length;
    list.replaceChildren(el("summary", {}, `${state.marks.length} ${state.marks.length === 1 ? "mark" : "marks"} on the time axis`), el("ul", {}, ...state.marks.map((mark) => el("li", {}, el("span", { class: "tag", style: `border-color:${state.definition.colours[mark.colour]}` }, mark.title), ` ${time(mark.time, 0)} ${mark.text}`))));
  }
  await Promise.all(state.boxes.map((item) => fill(...item)));
  document.body.dataset.ready = "1";
}

function controls(definition) {
  const select = document.getElementById("range");
  const span = /^now-(\d+[hd])$/.exec(state.get("from") || "now-" + definition.range);
  if (span && [...select.options].some((option) => option.value === span[1])) select.value = span[1];
  else { select.prepend(el("option", { value: "" }, "as in the address")); select.value = ""; }
  select.onchange = () => { state.set("from", "now-" + select.value); state.set("to", "now"); go(); };
  const place = document.getElementById("variables");
  place.replaceChildren(...definition.variables.map((name) => {
    const now = chosen(name), choose = (values) => { state.delete("var-" + name); for (const value of values) if (value) state.append("var-" + name, value); go(); };
    if (name in definition.defaults) return el("label", {}, definition.titles[name] + " ", el("input", { id: "var-" + name, inputmode: "decimal", size: 4, value: now[0], on: { change: (event) => choose([event.target.value]) } }));
    const several = !definition.single.includes(name);
    const options = [...new Set([...definition.options[name], ...now])];
    const box = el("select", { id: "var-" + name }, several ? el("option", { value: "" }, now.length > 1 ? now.length + " chosen" : "all") : null, ...options.map((value) => el("option", { value }, value)));
    box.value = now.length === 1 ? now[0] : "";
    box.onchange = () => choose([box.value]);
    return el("label", {}, definition.titles[name] + " ", box);
  }));
  for (const link of document.querySelectorAll("nav a")) link.href = goto(link.pathname.slice(1), {});
}
function go() { history.pushState(null, "", "?" + state); controls(state.definition); layout(state.definition); }
function theme() {
  const select = document.getElementById("theme");
  const set = (value) => { if (value) document.documentElement.dataset.theme = value; else delete document.documentElement.dataset.theme; };
  let kept = null;
  try { kept = localStorage.getItem("theme"); } catch { kept = null; }
  const asked = state.get("theme") || kept || "";
  set(select.value = ["light", "dark"].includes(asked) ? asked : "");
  select.onchange = () => { set(select.value); try { localStorage.setItem("theme", select.value); } catch { /* a browser without storage keeps it for this page */ } layout(state.definition); };
}
async function start() {
  try {
    theme();
    state.definition = await json("/api/v1/dashboards/" + board);
    document.getElementById("title").textContent = state.definition.title;
    document.title = state.definition.title + " · breakeven";
    controls(state.definition);
    layout(state.definition);
    const every = state.definition.refresh;
    setInterval(() => { if (!document.hidden) refresh(); }, parseInt(every) * (every.endsWith("m") ? 60000 : 1000));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => layout(state.definition));
    addEventListener("popstate", () => location.reload());
  } catch (error) {
    document.getElementById("main").replaceChildren(el("p", { class: "error", role: "alert" }, error.message));
  }
}
document.addEventListener("DOMContentLoaded", start);
