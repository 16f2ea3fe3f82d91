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
  count: (v) => v.toLocaleString("en-US", { maximumFractionDigits: 1 }), none: (v) => String(v), text: (v) => String(v),
  seconds: (v) => (v < 90 ? v + " s" : v < 5400 ? Math.round(v / 60) + " min" : v < 172800 ? (v / 3600).toFixed(1) + " h" : (v / 86400).toFixed(1) + " days"),
};
const shown = (value, unit) => (value === null || value === undefined || value === "" ? "–" : (formats[unit] || formats.none)(value));
const time = (ms, bucket) => new Date(ms).toISOString().slice(0, bucket >= 86400 ? 10 : 16).replace("T", " ");

const board = document.body.dataset.dashboard;
const state = new URLSearchParams(location.search);
const spans = { h: 3600, d: 86400 };
function range() {
  const text = state.get("from") || "";
  const found = /^now-(\d+)([hd])$/.exec(text);
  return found ? found[1] + found[2] : null;
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
  if (field.type === "time") return el("td", {}, value === null ? "–" : time(value, field.name === "time" ? bucket : 0));
  if (field.mapping && value !== null) {
    const [text, colour] = state.definition.mappings[field.mapping][value] || [value, "unknown"];
    return el("td", {}, el("span", { class: "tag", style: `border-color:${state.definition.colours[colour]}` }, text));
  }
  const long = typeof value === "string" && value.length > 45;
  return el("td", { class: field.type === "number" ? "number" : long ? "long" : null }, shown(value, field.unit));
}

function chart(panel, data, box) {
  if (!data.rows || data.columns.slice(1).every((c) => c.every((v) => v === null))) { box.append(el("p", { class: "value empty" }, panel.no_value)); return; }
  if (!window.Plotly) { box.append(el("p", { class: "quiet" }, "The chart library is missing; here is the table.")); table(panel, data, box); return; }
  const x = data.columns[0].map((ms) => new Date(ms).toISOString());
  const traces = data.fields.slice(1).map((field, n) => {
    const colour = state.definition.colours[field.colour] || null;
    const base = { x, y: data.columns[n + 1], name: field.title || field.name };
    return panel.draw === "bars"
      ? { ...base, type: "bar", marker: { color: colour, pattern: { shape: /unused|empty|unknown/i.test(field.name) ? "/" : "", fillmode: "overlay", fgcolor: css("--ink"), fgopacity: 0.3, size: 5 } } }
      : { ...base, type: "scatter", mode: "lines+markers", marker: { size: 4 }, line: { color: colour, dash: field.dashed ? "dash" : "solid", width: 2 } };
  });
  const axis = { gridcolor: css("--line"), linecolor: css("--line"), zerolinecolor: css("--line") };
  const layout = {
    margin: { l: 56, r: 8, t: 8, b: 34 }, barmode: "stack", hovermode: "x unified", paper_bgcolor: "transparent", plot_bgcolor: "transparent",
    font: { color: css("--ink"), family: "system-ui, sans-serif", size: 12 }, hoverlabel: { bgcolor: css("--card"), font: { color: css("--ink") } },
    legend: { orientation: "h", y: -0.16 }, xaxis: { ...axis, hoverformat: data.bucket >= 86400 ? "%a %d %b %Y" : "%d %b %H:%M" },
    yaxis: { ...axis, tickprefix: dollars.includes(panel.unit) ? "$" : "", tickformat: panel.unit === "share" ? ".0%" : "", rangemode: "tozero", hoverformat: panel.unit === "share" ? ".1%" : panel.unit === "per_1k" || panel.unit === "per_1m" ? ".3f" : ",.2f" },
  };
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
const draws = { stat, table, lines: chart, bars: chart };

async function fill(panel, box, body) {
  const to = Math.floor(Date.now() / 1000), span = range() || state.definition.range;
  const query = new URLSearchParams({ from: to - parseInt(span) * spans[span.slice(-1)], to, width: Math.max(300, box.clientWidth) });
  for (const name of state.definition.variables) for (const value of state.getAll("var-" + name)) query.append("var-" + name, value);
  try {
    const data = await json(`/api/v1/panels/${board}/${panel.name}?${query}`);
    document.getElementById("scope").textContent = data.scope;
    let asTable = false;
    const redraw = () => { body.replaceChildren(); (asTable ? table : draws[panel.draw] || table)(panel, data, body); };
    const button = box.querySelector("button.switch");
    if (button) button.onclick = () => { asTable = !asTable; button.textContent = asTable ? "Chart" : "Table"; redraw(); };
    redraw();
  } catch (error) {
    body.replaceChildren(el("p", { class: "error", role: "alert" }, error.message + " "), el("button", { type: "button", on: { click: () => fill(panel, box, body) } }, "Retry"));
  }
}

function layout(definition) {
  const main = document.getElementById("main");
  main.replaceChildren();
  const waiting = [];
  for (const row of definition.rows) {
    if (typeof row === "string") { main.append(el("h2", {}, row)); continue; }
    const line = el("div", { class: "row" });
    for (const name of row) {
      const panel = definition.panels[name], body = el("div");
      const isChart = panel.draw === "lines" || panel.draw === "bars";
      const box = el("section", { class: "panel " + panel.draw, id: name, style: `grid-column: span ${Math.floor(24 / row.length)}`, title: panel.draw === "stat" ? panel.about : null },
        el("header", {}, el("h3", {}, panel.title), isChart ? el("button", { type: "button", class: "switch" }, "Table") : null),
        panel.draw === "stat" ? null : el("p", { class: "quiet" }, panel.about), body);
      line.append(box);
      waiting.push([panel, box, body]);
    }
    main.append(line);
  }
  for (const item of waiting) fill(...item);
}

function controls(definition) {
  const select = document.getElementById("range");
  select.value = range() || definition.range;
  select.onchange = () => { state.set("from", "now-" + select.value); state.set("to", "now"); go(); };
  const place = document.getElementById("variables");
  place.replaceChildren(...definition.variables.map((name) => {
    const chosen = state.get("var-" + name) || "";
    const box = el("select", { id: "var-" + name }, el("option", { value: "" }, "all"), ...definition.options[name].map((value) => el("option", { value }, value)));
    box.value = chosen;
    box.onchange = () => { state.delete("var-" + name); if (box.value) state.set("var-" + name, box.value); go(); };
    return el("label", {}, name[0].toUpperCase() + name.slice(1) + " ", box);
  }));
}
function go() { history.pushState(null, "", "?" + state); layout(state.definition); }
async function start() {
  try {
    state.definition = await json("/api/v1/dashboards/" + board);
    document.getElementById("title").textContent = state.definition.title;
    controls(state.definition);
    layout(state.definition);
    const refresh = state.definition.refresh;
    setInterval(() => { if (!document.hidden) layout(state.definition); }, parseInt(refresh) * (refresh.endsWith("m") ? 60000 : 1000));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => layout(state.definition));
    addEventListener("popstate", () => location.reload());
  } catch (error) {
    document.getElementById("main").replaceChildren(el("p", { class: "error", role: "alert" }, error.message));
  }
}
document.addEventListener("DOMContentLoaded", start);
