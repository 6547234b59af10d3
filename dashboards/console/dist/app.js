// web/app.tsx
import { h as h13, render, useEffect as useEffect9, useState as useState12 } from "../vendor/preact.js";

// web/api.ts
var ApiError = class extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
  status;
  code;
};
var signedOut = () => {
};
var onSignedOut = (act) => void (signedOut = act);
async function call(method, path, body, signal) {
  let response;
  try {
    response = await fetch("/ui/api" + path, {
      method,
      signal,
      credentials: "same-origin",
      headers: { "X-Lakegate-Console": "1", ...body === void 0 ? {} : { "Content-Type": "application/json" } },
      body: body === void 0 ? void 0 : JSON.stringify(body)
    });
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new ApiError(0, "OFFLINE", "lakegate cannot be reached. Is it running?");
  }
  if (response.status === 204) return void 0;
  const text = await response.text();
  let value2;
  try {
    value2 = JSON.parse(text);
  } catch {
    throw new ApiError(response.status, "BAD_ANSWER", `The server answered ${response.status} with something that is not JSON.`);
  }
  if (response.status === 401 && path !== "/session") signedOut();
  if (!response.ok) {
    throw new ApiError(response.status, value2.error_code ?? "ERROR", value2.message ?? `The server answered ${response.status}.`);
  }
  return value2;
}
var at = (id) => "/dashboards/" + encodeURIComponent(id);
var api = {
  me: () => call("GET", "/session"),
  signIn: (body) => call("POST", "/session", body),
  signOut: () => call("DELETE", "/session"),
  list: () => call("GET", "/dashboards"),
  show: (id) => call("GET", at(id)),
  trash: (id) => call("DELETE", at(id)),
  check: (file, values) => call("POST", "/check", { file, values }),
  import: (name, file, values) => call("POST", "/dashboards", { name, file, values }),
  exportAddress: (id) => "/ui/api" + at(id) + "/export",
  query: (id, widget, filters, signal) => pool(() => call("POST", at(id) + "/query", { widget, filters }, signal), signal)
};
var most = 4;
var running = 0;
var waiting = [];
async function pool(work, signal) {
  if (running >= most) await new Promise((go2) => waiting.push(go2));
  else running++;
  try {
    signal.throwIfAborted();
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

// web/dashboard.tsx
import { h as h10, useCallback, useEffect as useEffect7, useMemo as useMemo4, useRef as useRef4, useState as useState9 } from "../vendor/preact.js";

// web/colors.ts
var palette = ["#2a78b8", "#e07b39", "#2f9e77", "#8f6bc4", "#cf4b57", "#2fa8b5", "#c99a1e", "#c25f9b", "#9c6b4e", "#6b7a90"];
var otherColor = "#9aa3af";
var maxRemembered = 60;
var Entities = class {
  constructor(colors, memory) {
    this.colors = colors;
    this.memory = memory;
    this.fields = { ...memory?.read() };
  }
  colors;
  memory;
  fields;
  of(field, value2) {
    const key = field.toLowerCase();
    const met = this.fields[key] ??= [];
    let at2 = met.indexOf(value2);
    if (at2 < 0) {
      at2 = met.push(value2) - 1;
      if (at2 < maxRemembered) this.memory?.write(this.fields);
    }
    return this.at(at2);
  }
  at(i) {
    return this.colors[i % this.colors.length];
  }
  /** resolve reads a colour of the file: #hex, viz:N, or font. */
  resolve(color, font2) {
    if (!color) return void 0;
    if (color.startsWith("viz:")) return this.at(Number(color.slice(4)));
    return color === "font" ? font2 : color;
  }
  mapped(spec, value2, font2) {
    const m = spec?.mappings?.find((x) => x.value === value2);
    return m && this.resolve(m.color, font2);
  }
};
function along(ramp, share2) {
  const x = Math.min(Math.max(share2, 0), 1) * (ramp.length - 1);
  const i = Math.min(Math.floor(x), ramp.length - 2);
  const [a, b] = [rgb(ramp[i]), rgb(ramp[i + 1])];
  const mix = a.map((v, k) => Math.round(v + (b[k] - v) * (x - i)));
  return `rgb(${mix.join(", ")})`;
}
function onGround(ramp, dark) {
  const light = (c) => rgb(c).reduce((s, v) => s + v, 0) / 765;
  return dark && light(ramp[0]) > 0.75 && light(ramp[ramp.length - 1]) < 0.5 ? [...ramp].reverse() : ramp;
}
function rgb(hex) {
  const h14 = hex.length < 7 ? hex.slice(1, 4).replace(/./g, "$&$&") : hex.slice(1, 7);
  return [0, 2, 4].map((i) => parseInt(h14.slice(i, i + 2), 16));
}

// web/filters.tsx
import { h as h3, useEffect as useEffect2, useMemo, useRef as useRef2, useState as useState3 } from "../vendor/preact.js";

// web/icons.tsx
import { h } from "../vendor/preact.js";
var paths = {
  table: "M3 5.5h14M3 10h14M3 14.5h14M8 5.5v9M3 3.5h14v13H3z",
  chart: "M3.5 16.5h13M5.5 13.5V9.5M9 13.5V5.5M12.5 13.5V8M16 13.5V4",
  download: "M10 3v9.5M6 9l4 4 4-4M3.5 16.5h13",
  upload: "M10 13V3.5M6 7l4-4 4 4M3.5 16.5h13",
  refresh: "M16.5 10a6.5 6.5 0 1 1-2-4.7M16.5 2.5v4h-4",
  sun: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M10 1.8v1.7M10 16.5v1.7M1.8 10h1.7M16.5 10h1.7M4.2 4.2l1.2 1.2M14.6 14.6l1.2 1.2M4.2 15.8l1.2-1.2M14.6 5.4l1.2-1.2",
  moon: "M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3z",
  down: "M5.5 8l4.5 4.5L14.5 8",
  left: "M12 5l-5 5 5 5",
  close: "M5 5l10 10M15 5L5 15",
  check: "M4.5 10.5l3.5 3.5 7.5-8",
  search: "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M13 13l4 4",
  more: "M10 4.5v.01M10 10v.01M10 15.5v.01",
  code: "M7 6l-4 4 4 4M13 6l4 4-4 4",
  warn: "M10 3l7.5 13.5h-15zM10 8v4M10 14.2v.01",
  file: "M5 2.5h6.5L15 6v11.5H5zM11.5 2.5V6H15",
  trash: "M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.7 11.5h7.6l.7-11.5",
  user: "M10 3.5a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4M3.8 17a6.2 6.2 0 0 1 12.4 0",
  calendar: "M3.5 5h13v11.5h-13zM3.5 8.5h13M7 3v3.5M13 3v3.5",
  filter: "M3 4.5h14l-5.5 6.5v5l-3-1.5V11z"
};
function Icon({ name }) {
  return /* @__PURE__ */ h("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" }, /* @__PURE__ */ h("path", { d: paths[name] }));
}
function Logo() {
  return /* @__PURE__ */ h("svg", { class: "logo", viewBox: "0 0 32 32", "aria-hidden": "true" }, /* @__PURE__ */ h("rect", { class: "logo-back", width: "32", height: "32", rx: "8" }), /* @__PURE__ */ h("path", { class: "logo-arch", d: "M7 24V13a9 9 0 0 1 18 0v11" }), /* @__PURE__ */ h("path", { class: "logo-wave", d: "M11.5 18.5c1.5-1.4 3-1.4 4.5 0s3 1.4 4.5 0M11.5 23.5c1.5-1.4 3-1.4 4.5 0s3 1.4 4.5 0" }));
}

// web/ui.tsx
import { Fragment, h as h2, useLayoutEffect, useRef, useState } from "../vendor/preact.js";
function Popover(p) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  const button = useRef(null);
  const close = () => {
    setOpen(false);
    p.onClose?.();
    button.current?.focus({ preventScroll: true });
  };
  useLayoutEffect(() => {
    if (!open) return;
    const outside = (e) => {
      if (!box.current?.contains(e.target)) {
        setOpen(false);
        p.onClose?.();
      }
    };
    const key = (e) => e.key === "Escape" && close();
    document.addEventListener("pointerdown", outside);
    document.addEventListener("keydown", key);
    box.current?.querySelector(".panel input, .panel button")?.focus({ preventScroll: true });
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("keydown", key);
    };
  });
  return /* @__PURE__ */ h2("div", { class: "popover", ref: box }, /* @__PURE__ */ h2(
    "button",
    {
      ref: button,
      type: "button",
      class: p.class ?? "button",
      "aria-label": p.name,
      title: p.name,
      "aria-expanded": open,
      "aria-haspopup": "dialog",
      disabled: p.disabled,
      onClick: () => open ? close() : setOpen(true)
    },
    p.label
  ), open && /* @__PURE__ */ h2("div", { class: "panel " + (p.align ?? "left"), role: "dialog", "aria-label": p.name }, p.children(close)));
}
function IconButton(p) {
  return /* @__PURE__ */ h2("button", { type: "button", class: "icon-button " + (p.class ?? ""), "aria-label": p.name, title: p.name, "aria-pressed": p.active, onClick: p.onClick }, /* @__PURE__ */ h2(Icon, { name: p.icon }));
}
function Dialog(p) {
  const ref = useRef(null);
  useLayoutEffect(() => {
    ref.current?.showModal();
  }, []);
  return /* @__PURE__ */ h2("dialog", { ref, class: p.wide ? "dialog wide" : "dialog", onClose: p.onClose, onClick: (e) => e.target === ref.current && ref.current.close() }, /* @__PURE__ */ h2("div", { class: "dialog-body" }, /* @__PURE__ */ h2("div", { class: "dialog-head" }, /* @__PURE__ */ h2("h2", null, p.title), /* @__PURE__ */ h2(IconButton, { icon: "close", name: "Close", onClick: () => ref.current.close() })), p.children));
}
function Message(p) {
  return /* @__PURE__ */ h2("div", { class: "message " + (p.kind ?? "plain"), role: p.kind === "error" ? "alert" : void 0 }, p.icon && /* @__PURE__ */ h2(Icon, { name: p.icon }), /* @__PURE__ */ h2("div", { class: "message-title" }, p.title), p.children && /* @__PURE__ */ h2("div", { class: "message-text" }, p.children));
}
function save(name, type, text) {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([text], { type }));
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1e4);
}

// web/format.ts
var unknown = "–";
var numeric = /* @__PURE__ */ new Set(["INT", "LONG", "BIGINT", "SHORT", "BYTE", "FLOAT", "DOUBLE", "DECIMAL", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT"]);
var whole = /* @__PURE__ */ new Set(["INT", "LONG", "BIGINT", "SHORT", "BYTE", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT"]);
var base = (type) => type.toUpperCase().replace(/[(<].*$/, "").trim();
var isNumber = (type) => numeric.has(base(type));
var isWhole = (type) => whole.has(base(type));
var isTime = (type) => ["DATE", "TIMESTAMP", "TIMESTAMP_NTZ"].includes(base(type));
function show(cell, format, type, place) {
  if (cell === null || cell === void 0) return unknown;
  if (isTime(type) || format?.kind === "date" || format?.kind === "datetime") return showTime(cell, format, type);
  if (isNumber(type) || format && /^-?\d+(\.\d+)?(e[-+]?\d+)?$/i.test(cell)) return showNumber(cell, format, place, isWhole(type));
  if (base(type) === "BOOLEAN") return cell === "true" ? "yes" : "no";
  return cell + (format?.suffix ?? "");
}
function showNumber(cell, format, place, integer = false) {
  const n = Number(cell);
  if (!Number.isFinite(n)) return cell;
  if (format?.kind === "percent") return percent(n, format);
  if (place !== "exact" && format?.suffix?.trim() === "ms" && Math.abs(n) >= 1e3) {
    return fixed(String(n / 1e3), 0, place === "axis" ? 1 : 2, true).replace(/^-/, "−") + " s";
  }
  const money = format?.kind === "currency";
  const sign = money ? symbol(format.currency ?? "USD") : "";
  const wrap = (digits) => (digits.startsWith("-") ? "−" + sign + digits.slice(1) : sign + digits) + (format?.suffix ?? "");
  if (place !== "exact" && (format?.compact ?? place === "axis")) {
    if (Math.abs(n) >= (money && place === "card" ? 1e5 : 1e3)) return wrap(compact(n, place, format));
  }
  if (money) return wrap(moneyDigits(cell, n, format, place));
  if (format?.places !== void 0) return wrap(fixed(cell, format.exact ? format.places : 0, format.places, !format.noGroups));
  if (integer) return wrap(fixed(cell, 0, 0, true));
  return wrap(fixed(cell, 0, place === "exact" ? 6 : Math.abs(n) >= 100 ? 0 : Math.abs(n) >= 1 ? 2 : 4, true));
}
function moneyDigits(cell, n, format, place) {
  if (place === "axis") return fixed(cell, Math.abs(n) > 0 && Math.abs(n) < 1 ? 2 : 0, Math.abs(n) < 1 ? 4 : 2, true);
  if (place === "exact" || format.exact) {
    const places = format.places ?? 9;
    return fixed(cell, format.exact ? places : Math.min(2, places), places, true);
  }
  if (n !== 0 && Math.abs(n) < 0.01) return fixed(cell, 2, Math.min(9, 3 - Math.floor(Math.log10(Math.abs(n)))), true);
  return fixed(cell, 2, 2, true);
}
function percent(n, format) {
  const value2 = format.scaled ? n : n * 100;
  if (value2 === 0) return "0%";
  if (value2 !== 0 && Math.abs(value2) < 0.1 && (format.places ?? 1) <= 1) return value2 > 0 ? "<0.1%" : ">−0.1%";
  return fixed(String(value2), format.exact ? format.places ?? 1 : Math.min(1, format.places ?? 1), format.places ?? 1, true).replace(/^-/, "−") + "%";
}
function symbol(currency) {
  return { USD: "$", EUR: "€", GBP: "£", JPY: "¥" }[currency] ?? currency + " ";
}
function compact(n, place, format) {
  const units = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]];
  for (let i = 0; i < units.length; i++) {
    let [size, unit] = units[i];
    if (Math.abs(n) < size) continue;
    const places = format?.places === void 0 || place === "axis" ? 1 : Math.min(format.places, 2);
    let digits = (n / size).toFixed(places);
    if (Math.abs(Number(digits)) >= 1e3 && i > 0) {
      [size, unit] = units[i - 1];
      digits = (n / size).toFixed(places);
    }
    if (place === "axis" || !format?.exact) digits = digits.replace(/\.0+$/, "");
    return digits + unit;
  }
  return String(n);
}
function fixed(cell, min, max, groups) {
  let text = cell.trim();
  if (/e/i.test(text) || !/^-?\d*\.?\d*$/.test(text)) text = Number(text).toFixed(Math.min(20, Math.max(max, 12)));
  const negative = text.startsWith("-");
  let [int = "0", frac = ""] = text.replace("-", "").split(".");
  int = int.replace(/^0+(?=\d)/, "") || "0";
  if (frac.length > max) {
    const up = frac.charCodeAt(max) >= 53;
    let digits = int + frac.slice(0, max);
    if (up) digits = (BigInt(digits) + 1n).toString().padStart(digits.length, "0");
    int = digits.slice(0, digits.length - max) || "0";
    frac = max > 0 ? digits.slice(-max) : "";
  }
  frac = frac.replace(/0+$/, "").padEnd(min, "0");
  if (groups) int = int.replace(/\B(?=(\d{3})+$)/g, ",");
  const zero = /^[0,]*$/.test(int) && /^0*$/.test(frac);
  return (negative && !zero ? "-" : "") + int + (frac ? "." + frac : "");
}
function aligned(format, cells) {
  if (format?.kind !== "currency" || format.exact) return format;
  const most2 = format.places ?? 9;
  const needs = cells.map((c) => /^-?\d*\.(\d*?)0*$/.exec(c ?? "")?.[1].length ?? 0);
  return { ...format, exact: true, places: Math.min(most2, Math.max(Math.min(2, most2), ...needs)) };
}
function millis(cell) {
  const m = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?/.exec(cell);
  if (!m) return NaN;
  const [, y, mo, d, h14, mi, s, f] = m;
  return Date.UTC(+y, +mo - 1, +d, +(h14 ?? 0), +(mi ?? 0), +(s ?? 0), Math.floor(+("0." + (f ?? "0")) * 1e3));
}
var months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
var two = (n) => String(n).padStart(2, "0");
function showTime(cell, format, type) {
  const ms = millis(cell);
  if (Number.isNaN(ms)) return cell;
  const t = new Date(ms);
  if (format?.pattern) return moment(t, format.pattern);
  const day = `${t.getUTCDate()} ${months[t.getUTCMonth()]} ${t.getUTCFullYear()}`;
  if (base(type) === "DATE" || format?.kind === "date") return day;
  return `${day}, ${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())}`;
}
function showBucket(ms, unit, long = false) {
  const t = new Date(ms);
  const day = `${t.getUTCDate()} ${months[t.getUTCMonth()]}`;
  const clock = `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}`;
  const year = t.getUTCFullYear();
  switch (unit) {
    case "YEAR":
      return String(year);
    case "QUARTER":
      return `Q${Math.floor(t.getUTCMonth() / 3) + 1} ${year}`;
    case "MONTH":
      return `${months[t.getUTCMonth()]} ${year}`;
    case "WEEK":
      return long ? `Week of ${day} ${year}` : day;
    case "DAY":
      return long ? `${weekdays[t.getUTCDay()]}, ${day} ${year}` : day;
    case "HOUR":
    case "MINUTE":
      return long ? `${day} ${year}, ${clock} UTC` : `${day} ${clock}`;
    default:
      return long ? `${day} ${year}, ${clock}:${two(t.getUTCSeconds())} UTC` : `${day} ${clock}`;
  }
}
var weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
function moment(t, pattern) {
  const parts = {
    YYYY: String(t.getUTCFullYear()),
    YY: two(t.getUTCFullYear() % 100),
    MMMM: months[t.getUTCMonth()],
    MMM: months[t.getUTCMonth()],
    MM: two(t.getUTCMonth() + 1),
    M: String(t.getUTCMonth() + 1),
    DD: two(t.getUTCDate()),
    D: String(t.getUTCDate()),
    HH: two(t.getUTCHours()),
    H: String(t.getUTCHours()),
    hh: two(t.getUTCHours() % 12 || 12),
    h: String(t.getUTCHours() % 12 || 12),
    mm: two(t.getUTCMinutes()),
    ss: two(t.getUTCSeconds()),
    SSS: String(t.getUTCMilliseconds()).padStart(3, "0"),
    A: t.getUTCHours() < 12 ? "AM" : "PM",
    a: t.getUTCHours() < 12 ? "am" : "pm",
    z: "UTC",
    Z: "+00:00",
    ll: `${t.getUTCDate()} ${months[t.getUTCMonth()]} ${t.getUTCFullYear()}`,
    L: `${t.getUTCFullYear()}-${two(t.getUTCMonth() + 1)}-${two(t.getUTCDate())}`,
    LTS: `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())}`,
    LT: `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}`
  };
  return pattern.replace(/\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DD|D|HH|H|hh|h|mm|ss|SSS|LTS|LT|ll|L|A|a|z|Z/g, (m, literal) => literal ?? parts[m] ?? m);
}
function change(now, before) {
  if (!Number.isFinite(now) || !Number.isFinite(before) || before === 0) return unknown;
  const ratio = (now - before) / Math.abs(before);
  if (Math.abs(ratio) < 5e-4) return "±0%";
  const digits = Math.abs(ratio) >= 10 ? `${(1 + ratio).toFixed(0)}×` : (Math.abs(ratio) * 100).toFixed(Math.abs(ratio) >= 1 ? 0 : 1) + "%";
  return (ratio > 0 ? "+" : "−") + digits;
}

// web/choices.ts
var isRange = (f) => f.kind === "date-range" || f.kind === "number-range";
function filtersOf(pages) {
  return pages.flatMap((p) => p.items.filter((i) => i.filter));
}
function readChoices(search, filters) {
  const query = new URLSearchParams(search);
  const out = {};
  for (const item of filters) {
    const all = query.getAll("f." + item.id);
    if (all.length === 0) continue;
    const f = item.filter;
    if (all[0] === "~all") out[item.id] = { all: true };
    else if (isRange(f)) {
      const [min, max] = all[0].split("..");
      out[item.id] = { min: min || void 0, max: max || void 0 };
    } else if (f.kind === "text") out[item.id] = { text: all[0] };
    else out[item.id] = { values: all.map((v) => v === "~null" ? null : v.startsWith("~~") ? v.slice(1) : v) };
  }
  return out;
}
function writeChoices(choices) {
  const query = new URLSearchParams();
  for (const [id, s] of Object.entries(choices)) {
    if (s.all) query.append("f." + id, "~all");
    else if (s.text) query.append("f." + id, s.text);
    else if (s.values) s.values.forEach((v) => query.append("f." + id, v === null ? "~null" : v.startsWith("~") ? "~" + v : v));
    else if (s.min || s.max) query.append("f." + id, `${s.min ?? ""}..${s.max ?? ""}`);
  }
  const text = query.toString();
  return text ? "?" + text : "";
}
var same = (a, b) => canonical(a) === canonical(b);
function canonical(s) {
  return JSON.stringify([[...s?.values ?? []].sort(), s?.min ?? "", s?.max ?? "", s?.text ?? "", !!s?.all]);
}
function presets(type) {
  const days = [
    { name: "Today", min: "now/d", max: "now/d" },
    { name: "Yesterday", min: "now-1d/d", max: "now-1d/d" },
    { name: "Last 7 days", min: "now-6d/d", max: "now/d" },
    { name: "Last 14 days", min: "now-13d/d", max: "now/d" },
    { name: "Last 30 days", min: "now-29d/d", max: "now/d" },
    { name: "Last 90 days", min: "now-89d/d", max: "now/d" },
    { name: "This month", min: "now/M", max: "now/d" },
    { name: "Last month", min: "now-1M/M", max: "now-1M/M" }
  ];
  if (type !== "DATETIME") return days;
  return [
    { name: "Last 15 minutes", min: "now-15m", max: "now" },
    { name: "Last hour", min: "now-1h", max: "now" },
    { name: "Last 24 hours", min: "now-24h", max: "now" },
    ...days
  ];
}
function dayOf(s, end, now = /* @__PURE__ */ new Date()) {
  if (!s) return "";
  if (/^\d{4}-/.test(s)) return s;
  const m = /^now(?:-(\d+)([dM]))?\/([dM])$/.exec(s);
  if (!m) return "";
  const [, n = "0", unit, floor] = m;
  let t = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (unit === "M" ? +n : 0), unit === "M" ? 1 : now.getUTCDate() - +n);
  if (floor === "M") t = Date.UTC(new Date(t).getUTCFullYear(), new Date(t).getUTCMonth() + (end ? 1 : 0), end ? 0 : 1);
  return new Date(t).toISOString().slice(0, 10);
}
function summary(f, s) {
  if (!s || s.all) return "All";
  if (isRange(f)) {
    if (!s.min && !s.max) return "All";
    const known = presets(f.type).find((p) => p.min === s.min && p.max === s.max);
    if (known) return known.name;
    if (f.kind === "number-range") return s.min && s.max ? `${s.min} to ${s.max}` : s.min ? `from ${s.min}` : `up to ${s.max}`;
    return s.min && s.max ? span(s.min, s.max) : s.min ? `since ${date(s.min)}` : `until ${date(s.max)}`;
  }
  if (f.kind === "text") return s.text ? `“${s.text}”` : "All";
  const list = s.values ?? [];
  if (list.length === 0) return "All";
  const words = list.map((v) => v === null ? "(none)" : f.kind === "date" ? date(v) : v || "(empty)");
  return (f.exclude ? "not " : "") + (words.length <= 2 ? words.join(", ") : `${words[0]} +${words.length - 1}`);
}
function span(min, max) {
  const [a, b] = [/^(\d{4})-(\d\d)-(\d\d)/.exec(min), /^(\d{4})-(\d\d)-(\d\d)/.exec(max)];
  if (!a || !b) return `${date(min)} – ${date(max)}`;
  const day = (m, year) => `${+m[3]} ${months[+m[2] - 1]}${year ? " " + m[1] : ""}`;
  return min === max ? day(a, true) : `${day(a, a[1] !== b[1])} – ${day(b, true)}`;
}
function date(s) {
  return /^\d{4}-/.test(s) ? showTime(s, { kind: "date" }, "DATE") : s;
}

// web/data.ts
import { useEffect, useState as useState2 } from "../vendor/preact.js";
var remembered = /* @__PURE__ */ new Map();
var flights = /* @__PURE__ */ new Map();
var forget = () => remembered.clear();
function share(key, start) {
  let f = flights.get(key);
  if (!f) {
    const abort = new AbortController();
    const flight2 = { promise: start(abort.signal).finally(() => flights.get(key) === flight2 && flights.delete(key)), abort, users: 0 };
    flights.set(key, f = flight2);
  }
  const flight = f;
  flight.users++;
  const leave = () => {
    if (--flight.users > 0) return;
    flight.abort.abort();
    if (flights.get(key) === flight) flights.delete(key);
  };
  return { promise: flight.promise, leave };
}
function useData(dashboard, widget, choices, tick) {
  const question = JSON.stringify([dashboard, widget, choices]);
  const [state, setState] = useState2(() => ({ data: remembered.get(question), loading: true }));
  useEffect(() => {
    let over = false;
    setState((old) => ({ ...old, data: remembered.get(question) ?? old.data, error: void 0, loading: true }));
    const { promise, leave } = share(question, (signal) => api.query(dashboard, widget, choices, signal));
    promise.then(
      (data) => {
        if (remembered.size > 300) remembered.clear();
        remembered.set(question, data);
        if (!over) setState({ data, loading: false });
      },
      (err) => {
        if (!over) setState({ error: err instanceof ApiError ? err : new ApiError(0, "ERROR", String(err?.message ?? err)), loading: false });
      }
    );
    return () => {
      over = true;
      leave();
    };
  }, [question, tick]);
  return state;
}

// web/filters.tsx
function FilterChip(p) {
  const f = p.item.filter;
  const chosen = p.choices[p.item.id];
  const current = chosen ?? f.default;
  const changed = !!chosen && !same(chosen, f.default);
  const title = p.item.title || p.item.id;
  const icon = f.kind === "date" || f.kind === "date-range" ? "calendar" : void 0;
  return /* @__PURE__ */ h3(
    Popover,
    {
      name: `${title}: ${summary(f, current)}`,
      class: "chip" + (changed ? " changed" : "") + (p.block ? " block" : ""),
      label: [icon && /* @__PURE__ */ h3(Icon, { name: icon }), /* @__PURE__ */ h3("span", { class: "chip-name" }, title), /* @__PURE__ */ h3("span", { class: "chip-value" }, summary(f, current)), /* @__PURE__ */ h3(Icon, { name: "down" })]
    },
    (close) => /* @__PURE__ */ h3(Choice, { ...p, current, close, set: (s) => p.choose(p.item.id, s && same(s, f.default) ? null : s) })
  );
}
function Choice(p) {
  switch (p.item.filter.kind) {
    case "date-range":
      return /* @__PURE__ */ h3(RangeChoice, { ...p });
    case "date":
      return /* @__PURE__ */ h3(DayChoice, { ...p });
    case "number-range":
      return /* @__PURE__ */ h3(NumberChoice, { ...p });
    case "text":
      return /* @__PURE__ */ h3(TextChoice, { ...p });
    default:
      return p.item.filter.options ? /* @__PURE__ */ h3(ListChoice, { ...p }) : /* @__PURE__ */ h3(TypedChoice, { ...p });
  }
}
var nothing = (f) => f.default ? { all: true } : null;
function ListChoice(p) {
  const f = p.item.filter;
  const multi = f.kind === "multi";
  const [search, setSearch] = useState3("");
  const [draft, setDraft] = useState3(p.current?.values ?? []);
  const { data, error } = useData(p.dashboard, p.item.id, p.choices, p.tick);
  const timer = useRef2(0);
  useEffect2(() => () => clearTimeout(timer.current), []);
  const options = useMemo(() => {
    const at2 = data?.columns.findIndex((c) => c.name === f.field) ?? -1;
    const passes = data?.columns.findIndex((c) => c.name.endsWith("_associativity")) ?? -1;
    const list = data && at2 >= 0 ? data.rows.map((r) => ({ value: r[at2] ?? null, faint: passes >= 0 && r[passes] === "0" })) : [];
    for (const v of draft) if (!list.some((o) => o.value === v)) list.unshift({ value: v, faint: false });
    const ranks = f.sort?.values;
    if (ranks?.length) list.sort((a, b) => (ranks.indexOf(a.value ?? "") + 1 || 1e9) - (ranks.indexOf(b.value ?? "") + 1 || 1e9));
    return list;
  }, [data]);
  const shown = options.filter((o) => (o.value ?? "(none)").toLowerCase().includes(search.toLowerCase())).slice(0, 500);
  const send = (values, wait) => {
    setDraft(values);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => p.set(values.length ? { values } : nothing(f)), wait);
  };
  const pick = (v) => {
    if (!multi) {
      p.set({ values: [v] });
      p.close();
      return;
    }
    send(draft.includes(v) ? draft.filter((x) => x !== v) : [...draft, v], 250);
  };
  return /* @__PURE__ */ h3("div", { class: "choice" }, options.length > 7 && /* @__PURE__ */ h3("label", { class: "search" }, /* @__PURE__ */ h3(Icon, { name: "search" }), /* @__PURE__ */ h3("input", { type: "search", placeholder: "Search", value: search, onInput: (e) => setSearch(e.currentTarget.value), "aria-label": "Search the values" })), /* @__PURE__ */ h3("div", { class: "options", role: "listbox", "aria-multiselectable": multi }, f.allowAll && /* @__PURE__ */ h3("button", { type: "button", role: "option", class: "option", "aria-selected": draft.length === 0, onClick: () => (send([], 0), multi || p.close()) }, /* @__PURE__ */ h3("span", { class: multi ? "box" : "dot" }, draft.length === 0 && /* @__PURE__ */ h3(Icon, { name: "check" })), "All"), shown.map((o) => /* @__PURE__ */ h3("button", { key: String(o.value), type: "button", role: "option", class: "option" + (o.faint ? " faint" : ""), "aria-selected": draft.includes(o.value), onClick: () => pick(o.value) }, /* @__PURE__ */ h3("span", { class: multi ? "box" : "dot" }, draft.includes(o.value) && /* @__PURE__ */ h3(Icon, { name: "check" })), /* @__PURE__ */ h3("span", { class: "option-name" }, o.value === null ? "(none)" : o.value || "(empty)"))), !data && !error && /* @__PURE__ */ h3("div", { class: "option-note" }, "Loading…"), error && /* @__PURE__ */ h3("div", { class: "option-note error" }, error.message), data && shown.length === 0 && /* @__PURE__ */ h3("div", { class: "option-note" }, "Nothing matches."), data?.truncated && /* @__PURE__ */ h3("div", { class: "option-note" }, "There are more values than are listed.")));
}
function RangeChoice(p) {
  const f = p.item.filter;
  const kind2 = f.type === "DATETIME" ? "datetime-local" : "date";
  const days = f.type !== "DATETIME";
  const absolute = (s) => s && /^\d{4}-/.test(s) ? s : "";
  const [min, setMin] = useState3(days ? dayOf(p.current?.min, false) : absolute(p.current?.min));
  const [max, setMax] = useState3(days ? dayOf(p.current?.max, true) : absolute(p.current?.max));
  const wrong = !!min && !!max && min > max;
  const done = (s) => {
    p.set(s);
    p.close();
  };
  return /* @__PURE__ */ h3("div", { class: "choice range" }, /* @__PURE__ */ h3("div", { class: "options" }, presets(f.type).map((x) => /* @__PURE__ */ h3("button", { type: "button", class: "option", "aria-selected": p.current?.min === x.min && p.current?.max === x.max, onClick: () => done({ min: x.min, max: x.max }) }, /* @__PURE__ */ h3("span", { class: "dot" }, p.current?.min === x.min && p.current?.max === x.max && /* @__PURE__ */ h3(Icon, { name: "check" })), x.name))), /* @__PURE__ */ h3("form", { class: "custom", onSubmit: (e) => (e.preventDefault(), !wrong && (min || max) && done({ min: min || void 0, max: max || void 0 })) }, /* @__PURE__ */ h3("label", null, "From", /* @__PURE__ */ h3("input", { type: kind2, value: min, max: max || void 0, onInput: (e) => setMin(e.currentTarget.value) })), /* @__PURE__ */ h3("label", null, "To", /* @__PURE__ */ h3("input", { type: kind2, value: max, min: min || void 0, onInput: (e) => setMax(e.currentTarget.value) })), wrong && /* @__PURE__ */ h3("div", { class: "option-note error" }, "The end is before the start."), /* @__PURE__ */ h3("button", { type: "submit", class: "button primary", disabled: wrong || !min && !max }, "Apply"), /* @__PURE__ */ h3("div", { class: "option-note" }, "Days are UTC.")));
}
function DayChoice(p) {
  const f = p.item.filter;
  const value2 = p.current?.values?.[0] ?? "";
  return /* @__PURE__ */ h3("div", { class: "choice" }, /* @__PURE__ */ h3("form", { class: "custom", onSubmit: (e) => (e.preventDefault(), p.close()) }, /* @__PURE__ */ h3("label", null, "Day", /* @__PURE__ */ h3("input", { type: f.type === "DATETIME" ? "datetime-local" : "date", value: /^\d{4}-/.test(value2) ? value2 : "", onChange: (e) => p.set(e.currentTarget.value ? { values: [e.currentTarget.value] } : nothing(f)) })), value2 && !/^\d{4}-/.test(value2) && /* @__PURE__ */ h3("div", { class: "option-note" }, "Now: ", value2)));
}
function NumberChoice(p) {
  const f = p.item.filter;
  const [min, setMin] = useState3(p.current?.min ?? "");
  const [max, setMax] = useState3(p.current?.max ?? "");
  const { data } = useData(p.dashboard, p.item.id, p.choices, p.tick);
  const [low, high] = [data?.rows[0]?.[0] ?? "", data?.rows[0]?.[1] ?? ""];
  return /* @__PURE__ */ h3("div", { class: "choice" }, /* @__PURE__ */ h3("form", { class: "custom", onSubmit: (e) => (e.preventDefault(), p.set(min || max ? { min, max } : nothing(f)), p.close()) }, /* @__PURE__ */ h3("label", null, "At least", /* @__PURE__ */ h3("input", { type: "number", step: "any", placeholder: low, value: min, onInput: (e) => setMin(e.currentTarget.value) })), /* @__PURE__ */ h3("label", null, "At most", /* @__PURE__ */ h3("input", { type: "number", step: "any", placeholder: high, value: max, onInput: (e) => setMax(e.currentTarget.value) })), /* @__PURE__ */ h3("button", { type: "submit", class: "button primary" }, "Apply")));
}
function TextChoice(p) {
  const [text, setText] = useState3(p.current?.text ?? "");
  return /* @__PURE__ */ h3("div", { class: "choice" }, /* @__PURE__ */ h3("form", { class: "custom", onSubmit: (e) => (e.preventDefault(), p.set(text ? { text } : nothing(p.item.filter)), p.close()) }, /* @__PURE__ */ h3("label", null, "Text", /* @__PURE__ */ h3("input", { type: "text", value: text, onInput: (e) => setText(e.currentTarget.value) })), /* @__PURE__ */ h3("button", { type: "submit", class: "button primary" }, "Apply")));
}
function TypedChoice(p) {
  const f = p.item.filter;
  const [text, setText] = useState3((p.current?.values ?? []).join(", "));
  const values = () => f.kind === "multi" ? text.split(",").map((s) => s.trim()).filter(Boolean) : [text.trim()].filter(Boolean);
  return /* @__PURE__ */ h3("div", { class: "choice" }, /* @__PURE__ */ h3("form", { class: "custom", onSubmit: (e) => (e.preventDefault(), p.set(values().length ? { values: values() } : nothing(f)), p.close()) }, /* @__PURE__ */ h3("label", null, f.kind === "multi" ? "Values, with commas between" : "Value", /* @__PURE__ */ h3("input", { type: "text", value: text, onInput: (e) => setText(e.currentTarget.value) })), /* @__PURE__ */ h3("button", { type: "submit", class: "button primary" }, "Apply")));
}

// web/widget.tsx
import { Component, h as h9, useEffect as useEffect5, useState as useState7 } from "../vendor/preact.js";

// web/chart.tsx
import { h as h4, useEffect as useEffect4, useMemo as useMemo2, useRef as useRef3, useState as useState5 } from "../vendor/preact.js";

// web/buckets.ts
var maxBuckets = 3e3;
function step(ms, unit) {
  const t = new Date(ms);
  switch (unit) {
    case "SECOND":
      return ms + 1e3;
    case "MINUTE":
      return ms + 6e4;
    case "HOUR":
      return ms + 36e5;
    case "DAY":
      return ms + 864e5;
    case "WEEK":
      return ms + 7 * 864e5;
    case "MONTH":
      return Date.UTC(t.getUTCFullYear(), t.getUTCMonth() + 1, 1);
    case "QUARTER":
      return Date.UTC(t.getUTCFullYear(), t.getUTCMonth() + 3, 1);
    default:
      return Date.UTC(t.getUTCFullYear() + 1, 0, 1);
  }
}
function fillTime(keys, unit) {
  if (keys.length < 2) return keys;
  const out = [];
  const last = Number(keys[keys.length - 1]);
  for (let t = Number(keys[0]); t <= last; t = step(t, unit)) {
    if (out.push(String(t)) > maxBuckets) return keys;
  }
  const filled = new Set(out);
  return keys.every((k) => filled.has(k)) ? out : keys;
}
function fillBins(keys, width) {
  if (keys.length < 2) return keys;
  const [low, high] = [Number(keys[0]), Number(keys[keys.length - 1])];
  const n = Math.round((high - low) / width) + 1;
  if (n > 2e3) return keys;
  const have = new Map(keys.map((k) => [Math.round(Number(k) / width), k]));
  return Array.from({ length: n }, (_, i) => {
    const slot = Math.round(low / width) + i;
    return have.get(slot) ?? String(slot * width);
  });
}

// web/rows.ts
var Rows = class {
  constructor(data) {
    this.data = data;
    data.columns.forEach((c, i) => this.index.set(c.name, i));
  }
  data;
  index = /* @__PURE__ */ new Map();
  get all() {
    return this.data.rows;
  }
  at(field) {
    if (!field) return -1;
    const i = this.index.get(field.name);
    if (i === void 0) throw new Error(`The result has no column “${field.name}”.`);
    return i;
  }
  type(field) {
    return field ? this.data.columns[this.at(field)].type : "STRING";
  }
};
var number = (c) => c === null || c === void 0 || c === "" ? null : Number(c);
var additive = (f) => f.agg === "sum" || f.agg === "count" || f.agg === "count_if";
var nameOf = (c) => c === null ? "(none)" : c === "" ? "(empty)" : c;
function order(keys, axis, series, time, type, horizontal) {
  const sum = (k) => series.reduce((s, x) => s + (x.values.get(k)?.value ?? 0), 0);
  const natural = (a, b) => time || isNumber(type) ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true });
  const by = axis.sort?.by ?? "";
  const measure = horizontal ? "x" : "y";
  let out = [...keys];
  if (by === "custom-order" && axis.sort?.values) {
    const rank = (k) => axis.sort.values.indexOf(k) + 1 || 1e9;
    out.sort((a, b) => rank(a) - rank(b) || natural(a, b));
  } else if (by === measure + "-reversed" || by === "cell-reversed" || by === "measure") out.sort((a, b) => sum(b) - sum(a) || natural(a, b));
  else if (by === measure) out.sort((a, b) => sum(a) - sum(b) || natural(a, b));
  else out.sort(natural);
  if (by === "natural-order-reversed" || axis.reverse) out.reverse();
  return out;
}
function category(key, dim, type, time, unit) {
  if (time && !unit) {
    const text = showBucket(Number(key), type === "DATE" ? "DAY" : void 0);
    return { key, label: text, long: showBucket(Number(key), type === "DATE" ? "DAY" : void 0, true) };
  }
  if (time) return { key, label: showBucket(Number(key), unit), long: showBucket(Number(key), unit, true) };
  const cell = key === "\0" ? null : key;
  if (dim?.bin) {
    const low = show(key, Math.abs(Number(key)) < 1e4 ? void 0 : dim.format, "LONG", Math.abs(Number(key)) < 1e4 ? "exact" : "axis");
    return { key, label: low, long: `${show(key, void 0, "LONG", "exact")} to ${show(String(Number(key) + Number(dim.bin)), void 0, "LONG", "exact")}` };
  }
  const label = cell === null || cell === "" ? nameOf(cell) : dim ? show(cell, dim.format, type, "exact") : "";
  return { key, label, long: label };
}
function valueAxis(axis, field, rows, share2) {
  const title = axis.hideTitle ? "" : axis.title || ((axis.fields?.length ?? 0) > 1 ? "" : field?.label ?? "");
  return {
    title,
    share: share2,
    log: !!axis.log && !share2,
    min: axis.min,
    max: axis.max,
    measure: share2 ? { format: { kind: "percent" }, type: "DOUBLE" } : { format: axis.fields?.[0]?.format ?? field?.format, type: rows.type(field) }
  };
}

// web/cartesian.ts
var maxSeries = 12;
var defaultRamp = ["#e6eff8", "#b0d0e8", "#6aaed6", "#2f7fbd", "#0b4a8f"];
function cartesian(chart, rows, context) {
  const horizontal = chart.mark === "bar" && chart.x?.scale === "quantitative" && chart.y?.scale !== "quantitative";
  const dimension = horizontal ? chart.y : chart.x;
  const measures = horizontal ? chart.x : chart.y;
  let dim = dimension.fields?.[0];
  let fields = measures.fields ?? [];
  if (fields.length === 0 && dim?.agg) {
    fields = dimension.fields;
    dim = void 0;
  }
  const unit = dim?.unit;
  const time = dimension.scale === "temporal" || !!unit;
  const at2 = rows.at(dim);
  const keyOf = (row) => at2 < 0 ? "" : time ? String(millis(row[at2] ?? "")) : String(row[at2] ?? "\0");
  const splits = split(chart, rows, context, fields, dim, keyOf);
  const { kept, note } = limitSeries(splits, fields);
  let keys = [...new Set(rows.all.map(keyOf))].filter((k) => !time || k !== "NaN");
  keys = order(keys, dimension, kept, time, rows.type(dim), horizontal);
  if (!time) keys = keys.filter((k) => kept.some((x) => x.values.get(k)?.value != null));
  const all = keys.length;
  if (time && unit) keys = fillTime(keys, unit);
  else if (chart.mark === "histogram" && dim?.bin) keys = fillBins(keys, Number(dim.bin));
  const most2 = time ? maxBuckets : dimension.top || (horizontal ? Math.min(context.room, 30) : 60);
  const notes = [note];
  let tail = "";
  if (keys.length > most2) {
    if (chart.mark === "histogram" && fields.every(additive)) tail = gather(kept, keys.splice(most2 - 1));
    else {
      keys = time ? keys.slice(-most2) : keys.slice(0, most2);
      notes.push(`showing ${most2} of ${all}`);
    }
    if (tail) keys.push(tail);
  }
  const layout = chart.layout ?? (chart.mark === "bar" || chart.mark === "area" || chart.mark === "histogram" ? "stack" : "");
  const share2 = layout === "percent-stack";
  const stacked = (layout === "stack" || share2) && kept.length > 1;
  const sums = share2 ? keys.map((k) => kept.reduce((s, x) => s + Math.abs(x.values.get(k)?.value ?? 0), 0)) : [];
  const series = kept.map((s) => ({
    key: s.key,
    name: s.name,
    color: s.color,
    mark: s.mark,
    axis: s.axis,
    area: chart.mark === "area",
    stack: stacked && s.axis === 0 && (s.mark === "bar" || chart.mark === "area") ? "all" : void 0,
    measure: { format: s.field.format, type: rows.type(s.field) },
    points: keys.map((k, i) => {
      const p = s.values.get(k);
      const missing = (time || chart.mark === "histogram") && additive(s.field) ? 0 : null;
      let value2 = p ? p.value : missing;
      if (share2 && value2 !== null) value2 = sums[i] > 0 ? value2 / sums[i] : 0;
      return { value: value2, raw: p ? p.raw : missing === 0 ? "0" : null };
    })
  }));
  paintByCategory(chart, series, keys, dim, context);
  const categories = keys.map((k) => category(k, dim, rows.type(dim), time, unit));
  if (tail) {
    const last = categories[categories.length - 1];
    last.label += "+";
    last.long = last.long.replace(/ to .*/, " and more");
  }
  const values = [valueAxis(measures, fields[0], rows, share2)];
  if (chart.y2?.fields?.length) values.push(valueAxis(chart.y2, chart.y2.fields[0], rows, false));
  return {
    note: notes.filter(Boolean).join(", "),
    empty: rows.all.length === 0 || series.every((s) => s.points.every((p) => p.value === null)),
    drawing: {
      kind: "cartesian",
      horizontal,
      categories,
      time,
      series,
      values,
      partial: time && unit ? keys.findIndex((k) => Number(k) <= context.now && context.now < step(Number(k), unit)) : -1,
      title: dimension.hideTitle ? "" : dimension.title || (time ? "" : dim?.label ?? ""),
      hideLabels: !!dimension.hideLabels || !dim,
      labels: !!chart.labels,
      dots: !!chart.points || keys.length === 1,
      lines: annotations(chart, keys, time, context),
      legend: chart.color?.legend ?? "",
      total: stacked && !share2 && fields.every(additive)
    }
  };
}
function split(chart, rows, context, fields, dim, keyOf) {
  const by = chart.color?.field;
  const grouped = by && by.name !== dim?.name && chart.color?.scale !== "quantitative" && !fields.some((f) => f.name === by.name);
  const out = /* @__PURE__ */ new Map();
  const add = (row, field, axis, i, mark) => {
    const value2 = grouped ? row[rows.at(by)] : null;
    const several = fields.length + (chart.y2?.fields?.length ?? 0) > 1;
    const key = (grouped ? "v:" + value2 : "f:") + (several ? field.name : "");
    let s = out.get(key);
    if (!s) {
      const name = grouped ? nameOf(value2) + (several ? ", " + field.label : "") : field.label;
      const own = grouped ? context.entities.mapped(chart.color, value2, context.font) : context.entities.mapped(chart.color, field.label, context.font);
      const listed = context.entities.resolve(chart.colors?.[i % (chart.colors.length || 1)], context.font);
      const color = own ?? (grouped ? context.entities.of(by.name, nameOf(value2)) : listed ?? context.entities.at(i));
      out.set(key, s = { key, name, field, axis, mark, color, values: /* @__PURE__ */ new Map(), total: 0 });
    }
    const raw = row[rows.at(field)];
    const n = number(raw);
    const k = keyOf(row);
    const before = s.values.get(k);
    s.values.set(k, before && before.value !== null && n !== null ? { value: before.value + n, raw: String(before.value + n) } : { value: n, raw });
    s.total += Math.abs(n ?? 0);
  };
  const first = chart.mark === "line" || chart.mark === "area" ? "line" : "bar";
  for (const row of rows.all) {
    fields.forEach((f, i) => add(row, f, 0, i, first));
    chart.y2?.fields?.forEach((f, i) => add(row, f, 1, fields.length + i, "line"));
  }
  const list = [...out.values()];
  const mapped = chart.color?.mappings?.map((m) => nameOf(m.value)) ?? [];
  const custom = chart.color?.sort?.values ?? (mapped.length > 1 ? mapped : []);
  if (grouped && custom.length) {
    const rank = (s) => custom.indexOf(s.name) + 1 || custom.length + 1;
    list.sort((a, b) => rank(a) - rank(b) || b.total - a.total);
  } else if (grouped) list.sort((a, b) => b.total - a.total || a.name.localeCompare(b.name));
  return list;
}
function limitSeries(all, fields) {
  if (all.length <= maxSeries) return { kept: all, note: "" };
  const ranked = [...all].sort((a, b) => b.total - a.total);
  const keep = new Set(ranked.slice(0, maxSeries - 1));
  const rest = ranked.slice(maxSeries - 1);
  const kept = all.filter((s) => keep.has(s));
  if (!fields.every(additive)) return { kept, note: `showing ${kept.length} of ${all.length} series` };
  const other = { ...rest[0], key: "other", name: `Other (${rest.length})`, color: otherColor, values: /* @__PURE__ */ new Map(), total: 0 };
  for (const s of rest) {
    for (const [k, p] of s.values) {
      const sum = (other.values.get(k)?.value ?? 0) + (p.value ?? 0);
      other.values.set(k, { value: sum, raw: String(sum) });
    }
  }
  return { kept: [...kept, other], note: "" };
}
function gather(series, keys) {
  const first = keys[0];
  for (const s of series) {
    const sum = keys.reduce((n, k) => n + (s.values.get(k)?.value ?? 0), 0);
    s.values.set(first, { value: sum, raw: String(sum) });
  }
  return first;
}
function paintByCategory(chart, series, keys, dim, context) {
  const spec = chart.color;
  if (!spec?.field || series.length !== 1) return;
  const s = series[0];
  if (spec.field.name === dim?.name) {
    s.points.forEach((p, i) => {
      const cell = keys[i] === "\0" ? null : keys[i];
      p.color = context.entities.mapped(spec, cell, context.font) ?? context.entities.of(dim.name, nameOf(cell));
    });
  } else if (spec.scale === "quantitative") {
    const top = Math.max(...s.points.map((p) => p.value ?? 0), 0) || 1;
    s.points.forEach((p) => p.color = along(onGround(spec.ramp ?? defaultRamp, context.dark), 0.25 + 0.75 * (p.value ?? 0) / top));
  }
}
function annotations(chart, keys, time, context) {
  const out = [];
  for (const a of chart.annotations ?? []) {
    const at2 = a.horizontal ? Number(a.at) : keys.indexOf(time ? String(millis(a.at)) : a.at);
    if (Number.isFinite(at2) && (a.horizontal || at2 >= 0)) {
      out.push({ at: at2, label: a.label ?? "", color: context.entities.resolve(a.color, context.font), horizontal: !!a.horizontal });
    }
  }
  return out;
}

// web/model.ts
function toChartModel(chart, data, context) {
  const rows = new Rows(data);
  switch (chart.mark) {
    case "pie":
      return pie(chart, rows, context);
    case "heatmap":
      return heatmap(chart, rows, context);
    case "scatter":
      return scatter(chart, rows, context);
    default:
      return cartesian(chart, rows, context);
  }
}
function pie(chart, rows, context) {
  const measure = { format: chart.angle.format, type: rows.type(chart.angle) };
  const at2 = rows.at(chart.angle);
  const by = chart.color?.field;
  const list = rows.all.map((r) => ({ cell: by ? r[rows.at(by)] : null, value: number(r[at2]) ?? 0 })).filter((x) => x.value > 0).sort((a, b) => b.value - a.value);
  const sum = list.reduce((s, x) => s + x.value, 0);
  const slices = list.slice(0, list.length > maxSeries ? maxSeries - 1 : maxSeries).map((x) => ({
    key: String(x.cell),
    name: by ? nameOf(x.cell) : chart.angle.label,
    value: x.value,
    color: context.entities.mapped(chart.color, x.cell, context.font) ?? context.entities.of(by?.name ?? "", nameOf(x.cell))
  }));
  const rest = list.slice(slices.length);
  if (rest.length > 0) {
    slices.push({ key: "other", name: `Other (${rest.length})`, value: rest.reduce((s, x) => s + x.value, 0), color: otherColor });
  }
  const text = (n, place) => show(String(n), measure.format, measure.type, place);
  return {
    note: "",
    empty: slices.length === 0,
    drawing: {
      kind: "pie",
      inner: chart.innerRadius ?? 0.62,
      total: text(sum, "card"),
      label: chart.angle.label,
      slices: slices.map((s) => ({ ...s, text: text(s.value, "card"), share: show(String(s.value / sum), { kind: "percent", places: 1 }, "DOUBLE", "card") }))
    }
  };
}
function heatmap(chart, rows, context) {
  const [dx, dy] = [chart.x?.fields?.[0], chart.y?.fields?.[0]];
  const shade = chart.color?.field;
  const keys = (axis, f) => {
    const time = axis?.scale === "temporal" || !!f?.unit;
    const key = (r) => time ? String(millis(r[rows.at(f)] ?? "")) : String(r[rows.at(f)] ?? "\0");
    const sorted = order([...new Set(rows.all.map(key))], axis, [], time, rows.type(f), false);
    return { key, keys: sorted, categories: sorted.map((k) => category(k, f, rows.type(f), time, f?.unit)) };
  };
  const [x, y] = [keys(chart.x, dx), keys(chart.y, dy)];
  const measure = { format: shade?.format, type: rows.type(shade) };
  const points = rows.all.map((r) => ({ x: x.keys.indexOf(x.key(r)), y: y.keys.indexOf(y.key(r)), raw: r[rows.at(shade)] })).filter((p) => p.raw !== null);
  const values = points.map((p) => Number(p.raw));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const ramp = onGround(chart.color?.ramp ?? defaultRamp, context.dark);
  const span2 = high - low || 1;
  return {
    note: "",
    empty: points.length === 0,
    drawing: {
      kind: "heatmap",
      x: x.categories,
      y: y.categories,
      ramp,
      label: shade?.label ?? "",
      titles: [chart.x?.hideTitle ? "" : dx?.label ?? "", chart.y?.hideTitle ? "" : dy?.label ?? ""],
      low: points.length ? show(String(low), measure.format, measure.type, "card") : "",
      high: points.length ? show(String(high), measure.format, measure.type, "card") : "",
      cells: points.map((p) => ({ x: p.x, y: p.y, value: Number(p.raw), text: show(p.raw, measure.format, measure.type, "exact"), color: along(ramp, (Number(p.raw) - low) / span2) }))
    }
  };
}
function scatter(chart, rows, context) {
  const [fx, fy] = [chart.x?.fields?.[0], chart.y?.fields?.[0]];
  const by = chart.color?.scale === "quantitative" ? void 0 : chart.color?.field;
  const groups = /* @__PURE__ */ new Map();
  const position = (r, f, axis) => axis?.scale === "temporal" ? millis(r[rows.at(f)] ?? "") : number(r[rows.at(f)]) ?? NaN;
  const sizes = chart.size ? rows.all.map((r) => number(r[rows.at(chart.size)]) ?? 0) : [];
  const largest = Math.max(...sizes, 0) || 1;
  const shown = [fx, fy, by, chart.size, ...chart.extra ?? []].filter((f) => !!f);
  rows.all.forEach((r, i) => {
    const [x, y] = [position(r, fx, chart.x), position(r, fy, chart.y)];
    if (Number.isNaN(x) || Number.isNaN(y)) return;
    const cell = by ? r[rows.at(by)] : null;
    const name = by ? nameOf(cell) : fy?.label ?? "";
    let g = groups.get(name);
    if (!g) {
      const color = by ? context.entities.mapped(chart.color, cell, context.font) ?? context.entities.of(by.name, name) : context.entities.at(0);
      groups.set(name, g = { key: name, name, color, points: [] });
    }
    g.points.push({ x, y, size: chart.size ? 4 + 20 * Math.sqrt(sizes[i] / largest) : 7, text: shown.map((f) => [f.label, show(r[rows.at(f)], f.format, rows.type(f), "exact")]) });
  });
  const list = [...groups.values()].sort((a, b) => b.points.length - a.points.length);
  return {
    note: list.length > maxSeries ? `showing ${maxSeries} of ${list.length} groups` : "",
    empty: list.length === 0,
    drawing: {
      kind: "scatter",
      groups: list.slice(0, maxSeries),
      legend: by ? chart.color?.legend ?? "" : "hidden",
      x: { ...valueAxis(chart.x, fx, rows, false), time: chart.x?.scale === "temporal" },
      y: { ...valueAxis(chart.y, fy, rows, false), time: chart.y?.scale === "temporal" }
    }
  };
}

// web/draw.ts
var font = "Inter, system-ui, sans-serif";
var value = (n, m) => show(String(n), m.format, m.type, "axis");
function option(model, look2, hidden, width) {
  const base2 = { animation: false, textStyle: { fontFamily: font }, aria: { enabled: false } };
  const d = model.drawing;
  switch (d.kind) {
    case "cartesian":
      return { ...base2, ...cartesian2(d, look2, hidden, width) };
    case "pie":
      return { ...base2, ...pie2(d, look2, hidden) };
    case "heatmap":
      return { ...base2, ...heatmap2(d, look2) };
    case "scatter":
      return { ...base2, ...scatter2(d, look2, hidden) };
  }
}
function tooltip(look2, trigger, formatter) {
  return {
    trigger,
    confine: true,
    transitionDuration: 0,
    padding: 0,
    borderWidth: 0,
    backgroundColor: "transparent",
    className: "tip-box",
    extraCssText: "",
    formatter,
    axisPointer: { type: "line", lineStyle: { color: look2.muted, width: 1, type: "solid", opacity: 0.5 }, label: { show: false } }
  };
}
function tip(heading, lines2, more = 0) {
  const make = (tag, name, text = "") => {
    const e = document.createElement(tag);
    e.className = name;
    e.textContent = text;
    return e;
  };
  const box = make("div", "tip");
  if (heading) box.append(make("div", "tip-head", heading));
  for (const l of lines2) {
    const line = make("div", l.strong ? "tip-line strong" : "tip-line");
    const swatch = make("span", "tip-swatch");
    if (l.color) swatch.style.background = l.color;
    line.append(swatch, make("span", "tip-name", l.name), make("span", "tip-value", l.text));
    box.append(line);
  }
  if (more > 0) box.append(make("div", "tip-more", `and ${more} more`));
  return box;
}
var axisText = (look2) => ({ color: look2.muted, fontSize: 11, fontFamily: font });
function valueScale(v, look2, right, first, steps = 4) {
  return {
    type: v.log ? "log" : "value",
    position: right ? "right" : void 0,
    min: v.min,
    max: v.max ?? (v.share ? 1 : void 0),
    splitNumber: steps,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { show: first, lineStyle: { color: look2.grid, width: 1 } },
    axisLabel: { ...axisText(look2), formatter: (n) => value(n, v.measure), hideOverlap: true }
  };
}
function categoryScale(d, look2, width) {
  const longest = Math.max(0, ...d.categories.map((c) => c.label.length));
  const every = Math.max(1, Math.ceil(d.categories.length * (longest * 6 + 22) / Math.max(width - 50, 100)));
  return {
    type: "category",
    data: d.categories.map((c) => c.label),
    inverse: d.horizontal,
    boundaryGap: d.series.some((s) => s.mark === "bar") || d.categories.length === 1,
    axisLine: { lineStyle: { color: look2.grid } },
    axisTick: { show: false },
    axisLabel: {
      show: !d.hideLabels,
      ...axisText(look2),
      color: d.horizontal ? look2.text : look2.muted,
      hideOverlap: true,
      interval: d.horizontal ? 0 : d.time ? (i) => (d.categories.length - 1 - i) % every === 0 : "auto",
      overflow: "truncate",
      ellipsis: "…",
      width: d.horizontal ? Math.min(Math.max(70, longest * 6.5), Math.max(90, width * 0.38)) : d.time ? void 0 : Math.max(40, width / Math.max(1, d.categories.length) * 0.95)
    }
  };
}
function cartesian2(d, look2, hidden, width) {
  const series = d.series.filter((s) => !hidden.has(s.key));
  const values = d.values.map((v, i) => valueScale(v, look2, i > 0, i === 0, d.horizontal && width < 400 ? 2 : 4));
  const categories = categoryScale(d, look2, width);
  const many = d.categories.length > 120;
  const drawn = series.flatMap((s, i) => {
    const last = s.stack ? series.filter((x) => x.stack === s.stack).at(-1) === s : true;
    const shared = {
      name: s.name,
      id: s.key,
      type: s.mark,
      stack: s.stack,
      color: s.color,
      emphasis: { disabled: true },
      ...d.horizontal ? {} : { yAxisIndex: s.axis },
      z: s.mark === "line" ? 3 : 2,
      label: d.labels && s.mark === "bar" && d.categories.length <= 40 ? { show: !s.stack, position: d.horizontal ? "right" : "top", fontSize: 11, color: look2.muted, fontFamily: font, formatter: (p) => show(s.points[p.dataIndex].raw, s.measure.format, s.measure.type, "card") } : void 0,
      markLine: i === 0 ? lines(d, look2) : void 0
    };
    if (s.mark === "bar") {
      return [{
        ...shared,
        barMaxWidth: d.horizontal ? 22 : 40,
        barMinHeight: 0,
        barCategoryGap: many ? "10%" : d.horizontal ? "38%" : "24%",
        barGap: "12%",
        data: s.points.map((p, k) => ({
          value: p.value,
          itemStyle: {
            color: p.color ?? s.color,
            opacity: k === d.partial ? 0.5 : 1,
            borderRadius: !last || many ? 0 : d.horizontal ? [0, 3, 3, 0] : [3, 3, 0, 0],
            borderColor: s.stack && !many ? look2.surface : void 0,
            borderWidth: s.stack && !many ? 0.5 : 0
          }
        }))
      }];
    }
    const line = {
      ...shared,
      smooth: false,
      connectNulls: false,
      showSymbol: d.dots || d.categories.length === 1,
      symbol: "circle",
      symbolSize: 6,
      showAllSymbol: d.dots,
      lineStyle: { width: s.area ? 1.5 : 2, color: s.color },
      itemStyle: { color: s.color },
      areaStyle: s.area ? { color: s.color, opacity: s.stack ? 0.55 : 0.18 } : void 0,
      data: s.points.map((p) => p.value)
    };
    if (d.partial < 1 || d.partial !== d.categories.length - 1) return [line];
    const dotted = {
      ...line,
      id: s.key + " partial",
      stack: s.stack && s.stack + " partial",
      lineStyle: { ...line.lineStyle, type: "dotted" },
      markLine: void 0,
      areaStyle: line.areaStyle && { ...line.areaStyle, opacity: line.areaStyle.opacity * 0.35 },
      data: s.points.map((p, k) => k >= d.partial - 1 ? p.value : null)
    };
    return [{ ...line, data: s.points.map((p, k) => k < d.partial ? p.value : null) }, dotted];
  });
  return {
    grid: { left: 4, right: d.horizontal && d.labels ? 48 : d.horizontal ? 16 : 8, top: 10, bottom: 2, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    xAxis: d.horizontal ? values : categories,
    yAxis: d.horizontal ? categories : values,
    series: drawn,
    tooltip: tooltip(look2, "axis", (ps) => cartesianTip(d, series, ps[0]?.dataIndex ?? 0))
  };
}
function cartesianTip(d, series, at2) {
  const c = d.categories[at2];
  const list = series.map((s) => ({ s, p: s.points[at2] })).filter(({ p }) => p.value !== null && (series.length <= 6 || p.value !== 0));
  if (series.length > 3) list.sort((a, b) => Math.abs(b.p.value) - Math.abs(a.p.value));
  const lines2 = list.slice(0, 12).map(({ s, p }) => ({
    color: p.color ?? s.color,
    name: s.name,
    text: show(p.raw, s.measure.format, s.measure.type, "exact") + (d.values[0].share ? ` (${show(String(p.value), { kind: "percent", places: 1 }, "DOUBLE", "exact")})` : "")
  }));
  if (d.total && list.length > 1) {
    const m = series[0].measure;
    const sum = list.reduce((n, { p }) => n + p.value, 0);
    lines2.push({ name: "Total", text: show(String(Number(sum.toPrecision(12))), m.format, m.type, "exact"), strong: true });
  }
  if (lines2.length === 0) lines2.push({ color: void 0, name: "no data", text: "" });
  return tip(c.long + (at2 === d.partial ? " (so far)" : ""), lines2, list.length - 12);
}
function lines(d, look2) {
  if (d.lines.length === 0) return void 0;
  return {
    silent: true,
    symbol: "none",
    animation: false,
    data: d.lines.map((l) => ({
      [l.horizontal ? "yAxis" : "xAxis"]: l.at,
      lineStyle: { color: l.color ?? look2.muted, type: "dashed", width: 1 },
      label: { show: !!l.label, formatter: l.label, position: "insideEndTop", fontSize: 11, color: look2.muted }
    }))
  };
}
function pie2(d, look2, hidden) {
  const slices = d.slices.filter((s) => !hidden.has(s.key));
  return {
    series: [{
      type: "pie",
      radius: [`${Math.round(d.inner * 88)}%`, "88%"],
      center: ["50%", "50%"],
      emphasis: { disabled: true },
      label: { show: false },
      itemStyle: { borderColor: look2.surface, borderWidth: 2 },
      minAngle: 1,
      data: slices.map((s) => ({ name: s.name, value: s.value, itemStyle: { color: s.color } }))
    }],
    tooltip: tooltip(look2, "item", (p) => {
      const s = slices[p.dataIndex];
      return tip("", [{ color: s.color, name: s.name, text: `${s.text} (${s.share})` }]);
    })
  };
}
function heatmap2(d, look2) {
  const scale = (list, inverse) => ({
    type: "category",
    data: list.map((c) => c.label),
    inverse,
    splitArea: { show: false },
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { ...axisText(look2), hideOverlap: true }
  });
  return {
    grid: { left: 4, right: 4, top: 4, bottom: 2, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    xAxis: scale(d.x, false),
    yAxis: scale(d.y, true),
    series: [{
      type: "heatmap",
      emphasis: { disabled: true },
      data: d.cells.map((c) => ({ value: [c.x, c.y, c.value], itemStyle: { color: c.color, borderColor: look2.surface, borderWidth: 1.5, borderRadius: 3 } }))
    }],
    tooltip: tooltip(look2, "item", (p) => {
      const c = d.cells[p.dataIndex];
      return tip(`${d.y[c.y].long}, ${d.x[c.x].long}`, [{ color: c.color, name: d.label, text: c.text }]);
    })
  };
}
function scatter2(d, look2, hidden) {
  const scale = (v, first) => ({
    ...valueScale(v, look2, false, first),
    type: v.time ? "value" : v.log ? "log" : "value",
    scale: true,
    axisLabel: { ...axisText(look2), hideOverlap: true, formatter: (n) => v.time ? showBucket(n, "DAY") : value(n, v.measure) },
    name: v.title,
    nameLocation: "middle",
    nameGap: 26,
    nameTextStyle: axisText(look2)
  });
  const groups = d.groups.filter((g) => !hidden.has(g.key));
  return {
    grid: { left: 4, right: 12, top: 10, bottom: 24, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    xAxis: scale(d.x, true),
    yAxis: { ...scale(d.y, true), name: "" },
    series: groups.map((g) => ({
      type: "scatter",
      name: g.name,
      emphasis: { disabled: true },
      itemStyle: { color: g.color, opacity: 0.65 },
      data: g.points.map((p) => ({ value: [p.x, p.y], symbolSize: p.size }))
    })),
    tooltip: tooltip(look2, "item", (p) => {
      const g = groups[p.seriesIndex];
      return tip(g.name, g.points[p.dataIndex].text.map(([name, text]) => ({ name, text })));
    })
  };
}

// web/appearance.ts
import { useEffect as useEffect3, useState as useState4 } from "../vendor/preact.js";
var listeners = /* @__PURE__ */ new Set();
var isDark = () => document.documentElement.dataset.theme === "dark";
function toggleTheme() {
  const next = isDark() ? "light" : "dark";
  localStorage.setItem("lakegate.theme", next);
  apply(next);
}
function apply(theme) {
  document.documentElement.dataset.theme = theme;
  listeners.forEach((l) => l());
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (e) => {
  if (!localStorage.getItem("lakegate.theme")) apply(e.matches ? "dark" : "light");
});
function look() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return { text: read("--text"), muted: read("--muted"), grid: read("--grid"), surface: read("--surface"), dark: isDark() };
}
function useTheme() {
  const [value2, set] = useState4(look);
  useEffect3(() => {
    const update = () => set(look());
    listeners.add(update);
    return () => void listeners.delete(update);
  }, []);
  return value2;
}
function useDark() {
  const [value2, set] = useState4(isDark);
  useEffect3(() => {
    const update = () => set(isDark());
    listeners.add(update);
    return () => void listeners.delete(update);
  }, []);
  return value2;
}

// web/chart.tsx
var loading;
var echarts = () => loading ??= import("../vendor/echarts.js");
function ChartView({ chart, data, colors, name, room: room2 }) {
  const look2 = useTheme();
  const [hidden, setHidden] = useState5(/* @__PURE__ */ new Set());
  const model = useMemo2(
    () => toChartModel(chart, data, { entities: colors, font: look2.text, dark: look2.dark, room: room2, now: Date.parse(data.as_of) }),
    [chart, data, colors, look2.text, room2]
  );
  const entries = legend(model.drawing);
  const d = model.drawing;
  const toggle = (key) => setHidden((old) => {
    const next = new Set(old);
    if (!next.delete(key)) next.add(key);
    return next.size >= entries.length ? /* @__PURE__ */ new Set() : next;
  });
  const side = d.kind === "pie";
  const units = d.kind === "cartesian" ? d.values.map((v) => v.title).filter(Boolean) : [];
  return /* @__PURE__ */ h4("div", { class: "chart" + (side ? " side" : "") }, !side && (entries.length > 0 || units.length > 0 || model.note) && /* @__PURE__ */ h4("div", { class: "legend" }, units.length > 0 && entries.length === 0 && /* @__PURE__ */ h4("span", { class: "legend-unit" }, units.join(" / ")), entries.map((e) => /* @__PURE__ */ h4("button", { key: e.key, type: "button", class: "legend-item" + (hidden.has(e.key) ? " off" : ""), "aria-pressed": !hidden.has(e.key), onClick: () => toggle(e.key), title: `Show or hide ${e.name}` }, /* @__PURE__ */ h4(Swatch, { color: e.color, round: e.round }), e.name)), model.note && /* @__PURE__ */ h4("span", { class: "legend-note" }, model.note)), /* @__PURE__ */ h4(Canvas, { model, look: look2, hidden, name }), d.kind === "pie" && /* @__PURE__ */ h4("ul", { class: "slices" }, d.slices.map((s) => /* @__PURE__ */ h4("li", { key: s.key }, /* @__PURE__ */ h4("button", { type: "button", title: `${s.name}: ${s.text}`, class: hidden.has(s.key) ? "off" : "", "aria-pressed": !hidden.has(s.key), onClick: () => toggle(s.key) }, /* @__PURE__ */ h4(Swatch, { color: s.color }), /* @__PURE__ */ h4("span", { class: "slice-name" }, s.name), /* @__PURE__ */ h4("span", { class: "slice-share" }, s.share), /* @__PURE__ */ h4("span", { class: "slice-value" }, s.text))))), d.kind === "heatmap" && /* @__PURE__ */ h4(Ramp, { colors: d.ramp, low: d.low, high: d.high, label: d.label }), d.kind === "cartesian" && d.title && !d.horizontal && /* @__PURE__ */ h4("div", { class: "axis-title" }, d.title));
}
function legend(d) {
  if (d.kind === "cartesian") return d.legend === "hidden" || d.series.length < 2 ? [] : d.series.map((s) => ({ key: s.key, name: s.name, color: s.color, round: s.mark === "line" && !s.area }));
  if (d.kind === "scatter") return d.legend === "hidden" || d.groups.length < 2 ? [] : d.groups.map((g) => ({ key: g.key, name: g.name, color: g.color, round: true }));
  if (d.kind === "pie") return d.slices;
  return [];
}
function Swatch({ color, round }) {
  return /* @__PURE__ */ h4("span", { class: "swatch" + (round ? " line" : ""), style: { background: color } });
}
function Ramp({ colors, low, high, label }) {
  return /* @__PURE__ */ h4("div", { class: "ramp" }, /* @__PURE__ */ h4("span", null, label), /* @__PURE__ */ h4("span", { class: "number" }, low), /* @__PURE__ */ h4("span", { class: "ramp-bar", style: { background: `linear-gradient(90deg, ${colors.join(", ")})` } }), /* @__PURE__ */ h4("span", { class: "number" }, high));
}
function Canvas({ model, look: look2, hidden, name }) {
  const box = useRef3(null);
  const instance = useRef3(null);
  const [width, setWidth] = useState5(0);
  const [failed, setFailed] = useState5("");
  useEffect4(() => {
    let gone = false;
    const watch = new ResizeObserver(() => {
      const e = box.current;
      if (!e || e.clientWidth === 0) return;
      instance.current?.resize();
      setWidth(e.clientWidth);
    });
    echarts().then((lib) => {
      if (gone || !box.current) return;
      instance.current = lib.init(box.current, null, { renderer: "svg" });
      watch.observe(box.current);
      setWidth(box.current.clientWidth);
    }, () => setFailed("The chart library could not be loaded."));
    return () => {
      gone = true;
      watch.disconnect();
      instance.current?.dispose();
    };
  }, []);
  useEffect4(() => {
    if (width > 0) instance.current?.setOption(option(model, look2, hidden, width), { notMerge: true });
  }, [model, look2, hidden, width]);
  if (failed) throw new Error(failed);
  const d = model.drawing;
  return /* @__PURE__ */ h4("div", { class: "canvas-frame" }, /* @__PURE__ */ h4("div", { class: "canvas", ref: box, role: "img", "aria-label": `${name || "Chart"}. The same data is there as a table.` }), d.kind === "pie" && /* @__PURE__ */ h4("div", { class: "pie-middle" }, /* @__PURE__ */ h4("div", { class: "pie-total" }, d.total), /* @__PURE__ */ h4("div", { class: "pie-label" }, d.label)));
}

// web/counter.tsx
import { h as h5 } from "../vendor/preact.js";

// web/rules.ts
function matches(rule, cell) {
  if (cell === null) return false;
  const [a, b] = [Number(cell), Number(rule.value)];
  const numbers = rule.value !== "" && cell !== "" && !Number.isNaN(a) && !Number.isNaN(b);
  const order2 = numbers ? a - b : cell < rule.value ? -1 : cell > rule.value ? 1 : 0;
  switch (rule.op) {
    case ">":
      return order2 > 0;
    case ">=":
      return order2 >= 0;
    case "<":
      return order2 < 0;
    case "<=":
      return order2 <= 0;
    case "=":
      return order2 === 0;
    case "<>":
    case "!=":
      return order2 !== 0;
    default:
      return false;
  }
}

// web/counter.tsx
function counterModel(c, data, colors) {
  const at2 = (f) => {
    const i = data.columns.findIndex((x) => x.name === f.name);
    if (i < 0) throw new Error(`The result has no column “${f.name}”.`);
    return i;
  };
  let rows = data.rows;
  let row = c.row;
  if (c.period) {
    const p = at2(c.period);
    rows = [...rows].sort((a, b) => millis(a[p] ?? "") - millis(b[p] ?? ""));
    row = rows.length - 1;
  }
  const value2 = at2(c.value);
  const type = data.columns[value2].type;
  const cell = rows[row]?.[value2] ?? null;
  let text = show(cell, c.value.format, type, "card");
  if (c.template && cell !== null) text = c.template.replace(/\{\{\s*@formatted\s*\}\}/g, text).replace(/\{\{\s*@\s*\}\}/g, cell);
  const rule = c.rules?.find((r) => matches(r, cell));
  const out = {
    text,
    exact: show(cell, c.value.format && { ...c.value.format, compact: false }, type, "exact"),
    color: colors?.resolve(rule?.color, "currentColor"),
    bold: !!rule?.bold,
    change: "",
    direction: "flat",
    against: "",
    trend: c.period && isNumber(type) ? rows.map((r) => Number(r[value2] ?? NaN)).filter(Number.isFinite) : []
  };
  let other = null;
  let label = "";
  if (c.target) {
    other = rows[row]?.[at2(c.target)] ?? null;
    label = c.target.label;
  } else if (c.period && rows.length > 1) {
    other = rows[row - 1]?.[value2] ?? null;
    label = "before";
  }
  if (label && isNumber(type)) {
    out.against = `${label} ${show(other, c.target?.format ?? c.value.format, type, "card")}`;
    out.change = cell === null || other === null ? unknown : change(Number(cell), Number(other));
    out.direction = out.change.startsWith("+") || out.change.endsWith("×") ? "up" : out.change.startsWith("−") ? "down" : "flat";
    if (out.change === unknown) out.change = "";
  }
  return out;
}
function CounterView({ counter, data, colors }) {
  const m = counterModel(counter, data, colors);
  return /* @__PURE__ */ h5("div", { class: "counter" }, /* @__PURE__ */ h5("div", { class: "counter-value" + (m.text.length > 9 ? " long" : ""), title: m.exact, style: m.color ? { color: m.color } : void 0 }, m.text), (m.change || m.against) && /* @__PURE__ */ h5("div", { class: "counter-foot" }, m.change && /* @__PURE__ */ h5("span", { class: "delta " + m.direction }, m.direction === "up" ? "▲" : m.direction === "down" ? "▼" : "", " ", m.change.replace(/^[+−]/, "")), /* @__PURE__ */ h5("span", { class: "counter-against" }, m.against)), m.trend.length > 2 && /* @__PURE__ */ h5(Sparkline, { values: m.trend }));
}
function Sparkline({ values }) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const points = values.map((v, i) => `${(i / (values.length - 1) * 100).toFixed(2)},${(28 - (v - low) / (high - low || 1) * 26).toFixed(2)}`);
  return /* @__PURE__ */ h5("svg", { class: "sparkline", viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" }, /* @__PURE__ */ h5("polyline", { points: points.join(" ") }));
}

// web/pivot.tsx
import { h as h6 } from "../vendor/preact.js";
function pivotModel(p, data) {
  const at2 = (name) => data.columns.findIndex((c) => c.name === name);
  const rows = p.rows ?? [];
  const columns = p.columns ?? [];
  const dims = data.columns.filter((c) => !c.name.startsWith("lg_total_") && [...rows, ...columns].some((f) => f.name === c.name)).map((c) => c.name);
  const isTotal = (r, f) => {
    const flag = at2("lg_total_" + dims.indexOf(f.name));
    return flag >= 0 && Number(r[flag]) === 1;
  };
  const key = (r, fields) => fields.map((f) => isTotal(r, f) ? "" : r[at2(f.name)] ?? "\0").join("");
  const label = (r, f) => {
    if (isTotal(r, f)) return "Total";
    const cell = r[at2(f.name)] ?? null;
    if (cell === null) return "(none)";
    const type = data.columns[at2(f.name)].type;
    return f.unit && isTime(type) ? showBucket(millis(cell), f.unit) : show(cell, f.format, type, "exact");
  };
  const group = (fields) => {
    const seen = /* @__PURE__ */ new Map();
    for (const r of data.rows) {
      const k = key(r, fields);
      if (!seen.has(k)) seen.set(k, r);
    }
    const list = [...seen].map(([k, r]) => ({ k, r, total: fields.length > 0 && fields.every((f) => isTotal(r, f)) }));
    return list.filter((x) => x.total || !fields.some((f) => isTotal(x.r, f))).sort((a, b) => Number(a.total) - Number(b.total) || natural(a.r, b.r, fields));
  };
  const natural = (a, b, fields) => {
    for (const f of fields) {
      const [x, y] = [a[at2(f.name)] ?? "", b[at2(f.name)] ?? ""];
      const d = isNumber(data.columns[at2(f.name)].type) ? Number(x) - Number(y) : x.localeCompare(y, "en", { numeric: true });
      if (d) return d;
    }
    return 0;
  };
  const across = columns.length ? group(columns) : [{ k: "", r: [], total: false }];
  const several = p.cells.length > 1;
  const formats = p.cells.map((f) => aligned(f.format, data.rows.map((r) => r[at2(f.name)] ?? null)));
  const cellAt = new Map(data.rows.map((r) => [key(r, rows) + "" + key(r, columns), r]));
  return {
    heads: rows.map((f) => f.label),
    columns: across.flatMap((c) => p.cells.map((f) => ({
      label: [columns.length ? c.total ? "Total" : columns.map((x) => label(c.r, x)).join(", ") : "", several || !columns.length ? f.label : ""].filter(Boolean).join(" · "),
      total: c.total
    }))),
    lines: group(rows).map((line) => ({
      labels: line.total ? ["Total", ...rows.slice(1).map(() => "")] : rows.map((f) => label(line.r, f)),
      total: line.total,
      cells: across.flatMap((c) => p.cells.map((f, i) => {
        const r = cellAt.get(line.k + "" + (columns.length ? c.k : key(line.r, columns)));
        return r ? show(r[at2(f.name)] ?? null, formats[i], data.columns[at2(f.name)].type, "exact") : unknown;
      }))
    }))
  };
}
function PivotView({ pivot, data }) {
  const m = pivotModel(pivot, data);
  return /* @__PURE__ */ h6("div", { class: "table-scroll", tabIndex: 0 }, /* @__PURE__ */ h6("table", { class: "table pivot" }, /* @__PURE__ */ h6("thead", null, /* @__PURE__ */ h6("tr", null, m.heads.map((x) => /* @__PURE__ */ h6("th", { key: x, class: "left" }, x)), m.columns.map((c, i) => /* @__PURE__ */ h6("th", { key: i, class: "right" + (c.total ? " total" : "") }, c.label)))), /* @__PURE__ */ h6("tbody", null, m.lines.map((l, i) => /* @__PURE__ */ h6("tr", { key: i, class: l.total ? "total" : "" }, l.labels.map((x, j) => /* @__PURE__ */ h6("th", { key: j, class: "left", scope: "row" }, x)), l.cells.map((x, j) => /* @__PURE__ */ h6("td", { key: j, class: "right number" + (m.columns[j].total ? " total" : "") + (x === unknown ? " muted" : "") }, x)))))));
}

// web/table.tsx
import { h as h7, useMemo as useMemo3, useState as useState6 } from "../vendor/preact.js";
function columnsOf(table, data) {
  if (table?.columns?.length) return table.columns;
  return data.columns.map((c) => ({ name: c.name, label: c.name }));
}
function sortRows(rows, at2, type, down) {
  const key = (c) => c === null ? null : isNumber(type) ? Number(c) : isTime(type) ? millis(c) : c;
  return rows.map((r) => ({ r, k: key(r[at2] ?? null) })).sort((a, b) => {
    if (a.k === null || b.k === null) return a.k === b.k ? 0 : a.k === null ? 1 : -1;
    const d = typeof a.k === "number" && typeof b.k === "number" ? a.k - b.k : String(a.k).localeCompare(String(b.k), "en", { numeric: true });
    return down ? -d : d;
  }).map((x) => x.r);
}
var step2 = 100;
function TableView({ table, data, colors }) {
  const [sort, setSort] = useState6(null);
  const [shown, setShown] = useState6(step2);
  const columns = columnsOf(table, data);
  const index = useMemo3(() => new Map(data.columns.map((c, i) => [c.name, i])), [data]);
  const rows = useMemo3(() => {
    const at2 = sort ? index.get(sort.name) : void 0;
    return sort && at2 !== void 0 ? sortRows(data.rows, at2, data.columns[at2].type, sort.down) : data.rows;
  }, [data, sort, index]);
  const present = useMemo3(
    () => columns.filter((c) => index.has(c.name)).map((c) => ({ ...c, format: aligned(c.format && { ...c.format, compact: false }, data.rows.map((r) => r[index.get(c.name)])) })),
    [table, data, index]
  );
  const missing = columns.filter((c) => !index.has(c.name));
  if (missing.length === columns.length && columns.length > 0) throw new Error(`The result has none of the table's columns (${missing.map((c) => c.label).join(", ")}).`);
  const types = present.map((c) => data.columns[index.get(c.name)].type);
  const turn = (c, type) => setSort((s) => s?.name === c.name ? { name: c.name, down: !s.down } : { name: c.name, down: isNumber(type) || isTime(type) });
  return /* @__PURE__ */ h7("div", { class: "table-scroll", tabIndex: 0 }, /* @__PURE__ */ h7("table", { class: "table" }, /* @__PURE__ */ h7("thead", null, /* @__PURE__ */ h7("tr", null, table?.rowNumbers && /* @__PURE__ */ h7("th", { class: "right" }, "#"), present.map((c, i) => /* @__PURE__ */ h7("th", { key: c.name, class: align(c, types[i]), "aria-sort": sort?.name === c.name ? sort.down ? "descending" : "ascending" : void 0, title: c.description || c.label }, /* @__PURE__ */ h7("button", { type: "button", onClick: () => turn(c, types[i]) }, c.label, /* @__PURE__ */ h7("span", { class: "sort-mark" }, sort?.name === c.name ? sort.down ? "↓" : "↑" : "")))))), /* @__PURE__ */ h7("tbody", null, rows.slice(0, shown).map((r, n) => /* @__PURE__ */ h7("tr", { key: n }, table?.rowNumbers && /* @__PURE__ */ h7("td", { class: "right muted" }, n + 1), present.map((c, i) => /* @__PURE__ */ h7(CellView, { key: c.name, column: c, type: types[i], cell: r[index.get(c.name)] ?? null, row: r, index, colors })))))), rows.length > shown && /* @__PURE__ */ h7("button", { type: "button", class: "table-more", onClick: () => setShown(shown + 5 * step2) }, "Show more ", /* @__PURE__ */ h7("span", { class: "muted" }, "(", fixed(String(shown), 0, 0, true), " of ", fixed(String(rows.length), 0, 0, true), ")")), missing.length > 0 && /* @__PURE__ */ h7("div", { class: "table-note" }, "not in the result: ", missing.map((c) => c.label).join(", ")));
}
function align(c, type) {
  if (c.align === "left" || c.align === "center" || c.align === "right") return c.align;
  return isNumber(type) && c.as !== "string" ? "right" : "left";
}
function CellView(p) {
  const { column: c, cell } = p;
  const rule = c.rules?.find((r) => matches(r, r.column ? p.row[p.index.get(r.column) ?? -1] ?? null : cell));
  const style = rule && { color: p.colors.resolve(rule.color, "currentColor"), background: p.colors.resolve(rule.background, "currentColor"), fontWeight: rule.bold ? 600 : void 0 };
  const text = c.unit && cell !== null && isTime(p.type) ? showBucket(millis(cell), c.unit, true) : show(cell, c.format, p.type, "exact");
  const href = c.link && safeLink(fill(c.link, c.name, p));
  const name = c.linkText ? fill(c.linkText, c.name, p) : text;
  return /* @__PURE__ */ h7("td", { class: align(c, p.type) + (cell === null ? " muted" : "") + (isNumber(p.type) ? " number" : ""), style, title: text.length > 40 ? text : void 0 }, href && c.as === "link" ? /* @__PURE__ */ h7("a", { href, target: "_blank", rel: "noopener noreferrer" }, name || text) : text);
}
function fill(template, own, p) {
  return template.replace(/\{\{\s*([^}]*?)\s*\}\}/g, (_, name) => {
    const value2 = name === "@" || name === own ? p.cell : p.row[p.index.get(name) ?? -1];
    return template.trim() === `{{ ${name} }}` ? value2 ?? "" : encodeURIComponent(value2 ?? "");
  });
}
function safeLink(s) {
  return /^https?:\/\//i.test(s.trim()) ? s.trim() : void 0;
}
function csv(data) {
  const quote = (c, type = "") => {
    if (c === null) return "";
    const s = /^[=+\-@\t\r]/.test(c) && !isNumber(type) ? "'" + c : c;
    return /[",\n\r]/.test(s) ? '"' + s.replaceAll('"', '""') + '"' : s;
  };
  const lines2 = [data.columns.map((c) => quote(c.name)), ...data.rows.map((r) => r.map((c, i) => quote(c, data.columns[i].type)))];
  return lines2.map((l) => l.join(",")).join("\r\n") + "\r\n";
}

// web/text.tsx
import { h as h8 } from "../vendor/preact.js";
var plain = /* @__PURE__ */ new Set(["h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "blockquote", "pre", "code", "hr", "table", "tr", "th", "td", "strong", "em", "del", "br", "span"]);
function Text({ blocks }) {
  return /* @__PURE__ */ h8("div", { class: "prose" }, (blocks ?? []).map(draw));
}
function draw(n) {
  const kids = n.kids?.map(draw);
  if (!n.tag) return n.text;
  if (n.tag === "a") return /* @__PURE__ */ h8("a", { href: n.href, target: "_blank", rel: "noopener noreferrer" }, kids);
  if (n.tag === "img") return /* @__PURE__ */ h8("img", { src: n.src, alt: n.text });
  if (n.tag === "table") return /* @__PURE__ */ h8("div", { class: "prose-table" }, /* @__PURE__ */ h8("table", null, /* @__PURE__ */ h8("tbody", null, kids)));
  if (n.tag === "br" || n.tag === "hr") return h8(n.tag, {});
  if (!plain.has(n.tag)) return kids;
  return h8(n.tag, n.align ? { class: "align-" + n.align } : {}, kids);
}

// web/widget.tsx
function Widget(p) {
  const { item } = p;
  if (item.empty) return /* @__PURE__ */ h9("div", { class: "tile blank", "data-widget": item.id, "data-state": "static" });
  if (item.text) return /* @__PURE__ */ h9("div", { class: "tile words", "data-widget": item.id, "data-state": "static" }, /* @__PURE__ */ h9(Text, { blocks: item.text.blocks }));
  if (item.filter) return /* @__PURE__ */ h9("div", { class: "tile filter", "data-widget": item.id, "data-state": "static" }, /* @__PURE__ */ h9(FilterChip, { ...p, block: true }));
  if (item.broken) {
    return /* @__PURE__ */ h9(Tile, { item, state: "broken" }, /* @__PURE__ */ h9(Message, { kind: "error", icon: "warn", title: "This widget can’t be drawn" }, item.broken.message));
  }
  return /* @__PURE__ */ h9(Live, { ...p });
}
function Tile(p) {
  const { item } = p;
  const title = item.title ?? "";
  return /* @__PURE__ */ h9("section", { class: "tile card" + (item.counter ? " small" : "") + (p.faded ? " faded" : ""), "data-widget": item.id, "data-state": p.state, "aria-label": title || void 0, "aria-busy": p.state === "loading" }, /* @__PURE__ */ h9("header", { class: "card-head" + (item.center ? " center" : "") }, /* @__PURE__ */ h9("div", { class: "card-titles" }, title && /* @__PURE__ */ h9("h3", { title }, title), item.description && /* @__PURE__ */ h9("p", { title: item.description }, item.description), item.badge && /* @__PURE__ */ h9("span", { class: "badge" }, item.badge)), /* @__PURE__ */ h9("div", { class: "card-tools" }, p.tools)), /* @__PURE__ */ h9("div", { class: "card-body" }, p.children));
}
function Live(p) {
  const { item } = p;
  const { data, error, loading: loading2 } = useData(p.dashboard, item.id, p.choices, p.tick);
  const [asTable, setAsTable] = useState7(false);
  const [dialog, setDialog] = useState7("");
  const [faded, setFaded] = useState7(false);
  useEffect5(() => p.loaded(item.id, data, error, loading2), [data, error, loading2]);
  useEffect5(() => {
    if (!loading2 || !data) return setFaded(false);
    const timer = setTimeout(() => setFaded(true), 800);
    return () => clearTimeout(timer);
  }, [loading2, data]);
  const drawn = !!(item.chart || item.counter || item.pivot);
  const state = error ? "error" : !data ? "loading" : data.rows.length === 0 || blank(item, data) ? "empty" : "ready";
  const tools = /* @__PURE__ */ h9("div", { class: "tools" }, drawn && data && !item.counter && /* @__PURE__ */ h9(IconButton, { icon: asTable ? "chart" : "table", name: asTable ? "View as chart" : "View as table", active: asTable, onClick: () => setAsTable(!asTable) }), /* @__PURE__ */ h9(Popover, { name: "More about " + (item.title ?? "this widget"), class: "icon-button", align: "right", label: /* @__PURE__ */ h9(Icon, { name: "more" }) }, (close) => /* @__PURE__ */ h9("div", { class: "menu", role: "menu" }, drawn && /* @__PURE__ */ h9(MenuItem, { icon: asTable ? "chart" : "table", text: asTable ? "View as chart" : "View as table", act: () => (setAsTable(!asTable), close()) }), /* @__PURE__ */ h9(MenuItem, { icon: "search", text: "Enlarge", act: () => (close(), setDialog("big")) }), data && /* @__PURE__ */ h9(MenuItem, { icon: "download", text: "Download CSV", act: () => (save((item.title || item.id) + ".csv", "text/csv", csv(data)), close()) }), data && /* @__PURE__ */ h9(MenuItem, { icon: "code", text: "Show SQL", act: () => (close(), setDialog("sql")) }))));
  return /* @__PURE__ */ h9(Tile, { item, state, tools, faded }, error && !data ? /* @__PURE__ */ h9(Failure, { error }) : !data ? /* @__PURE__ */ h9(Skeleton, { item }) : state === "empty" && !item.counter ? /* @__PURE__ */ h9(Message, { title: "No data" }, Object.keys(p.choices).length ? "Nothing matches these filters." : "There is nothing to show for this period.") : /* @__PURE__ */ h9(Guard, { key: data.as_of + asTable }, /* @__PURE__ */ h9(Body, { item, data, asTable, colors: p.colors, room: room(item) })), data?.truncated && /* @__PURE__ */ h9("div", { class: "truncated" }, "Only the first ", data.rows.length.toLocaleString("en"), " rows are shown."), dialog === "sql" && data && /* @__PURE__ */ h9(SqlDialog, { data, title: item.title || item.id, close: () => setDialog("") }), dialog === "big" && /* @__PURE__ */ h9(Dialog, { title: item.title || item.id, wide: true, onClose: () => setDialog("") }, /* @__PURE__ */ h9("div", { class: "enlarged" }, data ? /* @__PURE__ */ h9(Guard, null, /* @__PURE__ */ h9(Body, { item, data, asTable, colors: p.colors, room: 30 })) : /* @__PURE__ */ h9(Skeleton, { item }))));
}
function blank(item, data) {
  if (!item.counter) return false;
  const at2 = data.columns.findIndex((c) => c.name === item.counter.value.name);
  return at2 >= 0 && data.rows.every((r) => r[at2] === null);
}
var room = (item) => Math.max(3, Math.floor((item.h * 59 - 125 - (item.description ? 16 : 0)) / 20));
function Body({ item, data, asTable, colors, room: room2 }) {
  if (asTable) return /* @__PURE__ */ h9(TableView, { table: columnsBehind(item, data), data, colors });
  if (item.counter) return /* @__PURE__ */ h9(CounterView, { counter: item.counter, data, colors });
  if (item.chart) return /* @__PURE__ */ h9(ChartView, { chart: item.chart, data, colors, name: item.title ?? "", room: room2 });
  if (item.pivot) return /* @__PURE__ */ h9(PivotView, { pivot: item.pivot, data });
  return /* @__PURE__ */ h9(TableView, { table: item.table ?? null, data, colors });
}
function columnsBehind(item, data) {
  const c = item.chart;
  const p = item.pivot;
  const fields = [...c?.x?.fields ?? [], ...c?.y?.fields ?? [], ...c?.y2?.fields ?? [], c?.angle, c?.size, c?.color?.field, ...c?.extra ?? [], ...p?.rows ?? [], ...p?.columns ?? [], ...p?.cells ?? []];
  const known = new Map(fields.filter((f) => !!f).map((f) => [f.name, f]));
  const shown = data.columns.filter((x) => !x.name.startsWith("lg_total_"));
  return { columns: shown.map((x) => known.get(x.name) ?? { name: x.name, label: x.name }) };
}
function MenuItem(p) {
  return /* @__PURE__ */ h9("button", { type: "button", role: "menuitem", class: "menu-item", onClick: p.act }, /* @__PURE__ */ h9(Icon, { name: p.icon }), p.text);
}
function Failure({ error }) {
  return /* @__PURE__ */ h9(Message, { kind: "error", icon: "warn", title: error.status === 0 ? "No connection" : "This widget failed" }, error.message, error.code !== "OFFLINE" && /* @__PURE__ */ h9("span", { class: "muted" }, " (", error.code, ")"));
}
function Skeleton({ item }) {
  if (item.counter) return /* @__PURE__ */ h9("div", { class: "skeleton" }, /* @__PURE__ */ h9("i", { class: "bone wide" }), /* @__PURE__ */ h9("i", { class: "bone" }));
  if (item.table || item.pivot) return /* @__PURE__ */ h9("div", { class: "skeleton rows" }, Array.from({ length: 6 }, (_, i) => /* @__PURE__ */ h9("i", { key: i, class: "bone line" })));
  return /* @__PURE__ */ h9("div", { class: "skeleton plot" }, [40, 65, 50, 80, 60, 90, 70, 55, 75, 62].map((v, i) => /* @__PURE__ */ h9("i", { key: i, class: "bone bar", style: { height: v + "%" } })));
}
function SqlDialog({ data, title, close }) {
  return /* @__PURE__ */ h9(Dialog, { title, wide: true, onClose: close }, /* @__PURE__ */ h9("p", { class: "muted" }, data.rows.length.toLocaleString("en"), " rows in ", data.elapsed_ms, " ms"), /* @__PURE__ */ h9("pre", { class: "sql" }, data.sql), data.params?.length ? /* @__PURE__ */ h9("table", { class: "table params" }, /* @__PURE__ */ h9("tbody", null, data.params.map((x) => /* @__PURE__ */ h9("tr", { key: x.Name }, /* @__PURE__ */ h9("th", { class: "left" }, ":", x.Name), /* @__PURE__ */ h9("td", { class: "left" }, x.Value), /* @__PURE__ */ h9("td", { class: "left muted" }, x.Type))))) : null, /* @__PURE__ */ h9("button", { type: "button", class: "button", onClick: () => navigator.clipboard?.writeText(data.sql) }, "Copy"));
}
var Guard = class extends Component {
  state = {};
  static getDerivedStateFromError(error) {
    return { error };
  }
  componentDidCatch() {
  }
  render() {
    if (this.state.error) return /* @__PURE__ */ h9(Message, { kind: "error", icon: "warn", title: "This widget can’t be drawn" }, this.state.error.message);
    return this.props.children;
  }
};

// web/route.ts
import { useEffect as useEffect6, useState as useState8 } from "../vendor/preact.js";
var here = () => ({ path: location.pathname, search: location.search });
var listeners2 = /* @__PURE__ */ new Set();
function go(to, keepScroll = false) {
  if (to !== location.pathname + location.search) history.pushState(null, "", to);
  if (!keepScroll) scrollTo(0, 0);
  listeners2.forEach((l) => l());
}
function useAddress() {
  const [address, set] = useState8(here);
  useEffect6(() => {
    const update = () => set(here());
    listeners2.add(update);
    addEventListener("popstate", update);
    update();
    return () => {
      listeners2.delete(update);
      removeEventListener("popstate", update);
    };
  }, []);
  return address;
}
function catchLinks() {
  document.addEventListener("click", (e) => {
    const a = e.target.closest?.("a");
    if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    if (a.target || a.hasAttribute("download") || a.origin !== location.origin || !a.pathname.startsWith("/ui/") || a.pathname.startsWith("/ui/api/")) return;
    e.preventDefault();
    const sameBoard = a.pathname.split("/")[3] === location.pathname.split("/")[3];
    go(a.pathname + a.search, sameBoard && scrollY < 140);
  });
}

// web/dashboard.tsx
var intervals = [["Off", 0], ["10 s", 10], ["30 s", 30], ["1 min", 60], ["5 min", 300]];
function DashboardPage({ id, page }) {
  const [board, setBoard] = useState9(null);
  const [error, setError] = useState9(null);
  useEffect7(() => {
    setBoard(null);
    setError(null);
    api.show(id).then(setBoard, setError);
  }, [id]);
  useEffect7(() => {
    document.title = (board ? board.name + " – " : "") + "lakegate";
  }, [board]);
  if (error) {
    return /* @__PURE__ */ h10("main", { class: "page" }, /* @__PURE__ */ h10(Message, { kind: "error", icon: "warn", title: error.status === 404 ? "There is no such dashboard" : "The dashboard could not be opened" }, error.message, " ", /* @__PURE__ */ h10("a", { href: "/ui/" }, "All dashboards")));
  }
  if (!board) return /* @__PURE__ */ h10("main", { class: "page" }, /* @__PURE__ */ h10("div", { class: "page-wait" }));
  return /* @__PURE__ */ h10(Board, { board, page });
}
function Board({ board, page }) {
  const pages = board.views ?? [];
  const tabs = pages.filter((p) => !p.global);
  const current = tabs.find((p) => p.name === page) ?? tabs[0];
  const address = useAddress();
  const filters = useMemo4(() => filtersOf(pages), [board]);
  const choices = useMemo4(() => readChoices(address.search, filters), [address.search, filters]);
  const colors = useMemo4(() => new Entities(board.colors?.length ? board.colors : palette, remember(board.id)), [board]);
  const [tick, setTick] = useState9(0);
  const refresh = useCallback(() => setTick((n) => n + 1), []);
  const fresh = useFreshness(current?.name ?? "");
  const choose = useCallback((id, s) => {
    const next = { ...readChoices(location.search, filters) };
    if (s) next[id] = s;
    else delete next[id];
    go(location.pathname + writeChoices(next), true);
  }, [filters]);
  useKeys(refresh);
  const tabBar = useRef4(null);
  useEffect7(() => {
    const [bar2, tab] = [tabBar.current, tabBar.current?.querySelector("[aria-current]")];
    if (bar2 && tab) bar2.scrollLeft = Math.max(0, tab.offsetLeft + tab.offsetWidth - bar2.offsetLeft - bar2.clientWidth + 24);
  }, [current?.name]);
  const bar = pages.filter((p) => p.global).flatMap((p) => p.items.filter((i) => i.filter));
  return /* @__PURE__ */ h10("main", { class: "page" }, /* @__PURE__ */ h10("div", { class: "board-head" }, /* @__PURE__ */ h10("div", { class: "board-title" }, /* @__PURE__ */ h10("h1", null, board.name), board.bundled && /* @__PURE__ */ h10("span", { class: "tag" }, "bundled")), /* @__PURE__ */ h10("div", { class: "board-tools" }, /* @__PURE__ */ h10("span", { class: "as-of" + (fresh.loading ? " loading" : ""), "aria-live": "off" }, fresh.text), /* @__PURE__ */ h10(Refresh, { refresh }), /* @__PURE__ */ h10("a", { class: "button", href: api.exportAddress(board.id), download: true, title: "Download the dashboard as the .lvdash.json file it came as" }, /* @__PURE__ */ h10(Icon, { name: "download" }), /* @__PURE__ */ h10("span", { class: "wide-only" }, "Export")))), tabs.length > 1 && /* @__PURE__ */ h10("nav", { class: "tabs", "aria-label": "Pages", ref: tabBar }, tabs.map((p) => /* @__PURE__ */ h10("a", { key: p.name, href: `/ui/d/${encodeURIComponent(board.id)}/${encodeURIComponent(p.name)}${address.search}`, "aria-current": p === current ? "page" : void 0 }, p.title))), bar.length > 0 && /* @__PURE__ */ h10("div", { class: "filter-bar", role: "group", "aria-label": "Filters" }, bar.map((i) => /* @__PURE__ */ h10(FilterChip, { key: i.id, dashboard: board.id, item: i, choices, tick, choose })), Object.keys(choices).length > 0 && /* @__PURE__ */ h10("button", { type: "button", class: "link-button", onClick: () => go(location.pathname, true) }, "Reset")), current ? /* @__PURE__ */ h10(Grid, { key: current.name, board, page: current, choices, tick, colors, choose, loaded: fresh.loaded }) : /* @__PURE__ */ h10(Message, { title: "This dashboard has no pages" }));
}
function Grid(p) {
  const items = useMemo4(() => [...p.page.items].sort((a, b) => a.y - b.y || a.x - b.x), [p.page]);
  if (items.length === 0) return /* @__PURE__ */ h10(Message, { title: "This page is empty" });
  return /* @__PURE__ */ h10("div", { class: "grid" }, items.map((i) => /* @__PURE__ */ h10("div", { key: i.id, class: "cell " + kind(i), style: { "--x": i.x + 1, "--y": i.y + 1, "--w": i.w, "--h": i.h } }, /* @__PURE__ */ h10(Widget, { dashboard: p.board.id, item: i, choices: p.choices, tick: p.tick, colors: p.colors, choose: p.choose, loaded: p.loaded }))));
}
function remember(id) {
  const key = "lakegate.colors." + id;
  return {
    read() {
      try {
        return JSON.parse(localStorage.getItem(key) ?? "{}");
      } catch {
        return {};
      }
    },
    write: (value2) => localStorage.setItem(key, JSON.stringify(value2))
  };
}
var kind = (i) => i.counter ? "k-counter" : i.text ? "k-text" : i.filter ? "k-filter" : i.table || i.pivot ? "k-table" : i.empty ? "k-empty" : "k-chart";
function useFreshness(page) {
  const seen = useRef4(/* @__PURE__ */ new Map());
  const [text, setText] = useState9({ text: "", loading: true });
  useEffect7(() => {
    seen.current.clear();
  }, [page]);
  const loaded = useCallback((id, data, _error, loading2) => {
    seen.current.set(id, { at: data ? Date.parse(data.as_of) : NaN, loading: loading2 });
    const all = [...seen.current.values()];
    const times = all.map((x) => x.at).filter((t) => !Number.isNaN(t));
    const at2 = times.length ? new Date(Math.min(...times)).toISOString().slice(11, 19) : "";
    setText({ text: at2 ? `Data as of ${at2} UTC` : "", loading: all.some((x) => x.loading) });
  }, []);
  return { ...text, loaded };
}
function Refresh({ refresh }) {
  const [every, setEvery] = useState9(() => Number(localStorage.getItem("lakegate.refresh") ?? 60));
  useEffect7(() => {
    if (!every) return;
    let due = false;
    const now = () => {
      if (document.hidden || String(getSelection() ?? "") !== "") due = true;
      else refresh();
    };
    const back = () => {
      if (!document.hidden && due) {
        due = false;
        refresh();
      }
    };
    const timer = setInterval(now, every * 1e3);
    document.addEventListener("visibilitychange", back);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", back);
    };
  }, [every, refresh]);
  const label = intervals.find(([, s]) => s === every)?.[0] ?? "Off";
  return /* @__PURE__ */ h10("div", { class: "button-group" }, /* @__PURE__ */ h10("button", { type: "button", class: "button", onClick: refresh, title: "Refresh now (r)", "aria-label": "Refresh now" }, /* @__PURE__ */ h10(Icon, { name: "refresh" })), /* @__PURE__ */ h10(Popover, { name: "Refresh automatically: " + label, class: "button", align: "right", label: [/* @__PURE__ */ h10("span", null, label), /* @__PURE__ */ h10(Icon, { name: "down" })] }, (close) => /* @__PURE__ */ h10("div", { class: "menu", role: "menu" }, intervals.map(([name, seconds]) => /* @__PURE__ */ h10("button", { key: name, type: "button", role: "menuitemradio", "aria-checked": seconds === every, class: "menu-item", onClick: () => {
    setEvery(seconds);
    localStorage.setItem("lakegate.refresh", String(seconds));
    close();
  } }, /* @__PURE__ */ h10("span", { class: "dot" }, seconds === every && /* @__PURE__ */ h10(Icon, { name: "check" })), name)))));
}
function useKeys(refresh) {
  useEffect7(() => {
    const press = (e) => {
      const typing = e.target.closest?.("input, textarea, select, [contenteditable]");
      if (!typing && !e.ctrlKey && !e.metaKey && !e.altKey && e.key === "r") refresh();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [refresh]);
}

// web/list.tsx
import { h as h11, useEffect as useEffect8, useRef as useRef5, useState as useState10 } from "../vendor/preact.js";
function ListPage() {
  const [list, setList] = useState10(null);
  const [error, setError] = useState10(null);
  const [picked, setPicked] = useState10(null);
  const [drag, setDrag] = useState10(false);
  const input = useRef5(null);
  const load = () => api.list().then((r) => setList(r.dashboards), setError);
  useEffect8(() => {
    document.title = "Dashboards – lakegate";
    load();
  }, []);
  const take = async (file) => {
    if (file) setPicked({ name: file.name.replace(/(\.lvdash)?\.json$/i, ""), text: await file.text() });
  };
  return /* @__PURE__ */ h11(
    "main",
    {
      class: "page list-page" + (drag ? " dragging" : ""),
      onDragOver: (e) => (e.preventDefault(), setDrag(true)),
      onDragLeave: (e) => e.currentTarget === e.target && setDrag(false),
      onDrop: (e) => (e.preventDefault(), setDrag(false), take(e.dataTransfer?.files[0]))
    },
    /* @__PURE__ */ h11("div", { class: "board-head" }, /* @__PURE__ */ h11("div", { class: "board-title" }, /* @__PURE__ */ h11("h1", null, "Dashboards")), /* @__PURE__ */ h11("div", { class: "board-tools" }, /* @__PURE__ */ h11("button", { type: "button", class: "button primary", onClick: () => input.current?.click() }, /* @__PURE__ */ h11(Icon, { name: "upload" }), "Import"), /* @__PURE__ */ h11("input", { ref: input, type: "file", accept: ".json,application/json", hidden: true, onChange: (e) => (take(e.currentTarget.files[0]), e.currentTarget.value = "") }))),
    error && /* @__PURE__ */ h11(Message, { kind: "error", icon: "warn", title: "The dashboards could not be listed" }, error.message),
    /* @__PURE__ */ h11("div", { class: "boards" }, (list ?? []).map((d) => /* @__PURE__ */ h11(BoardCard, { key: d.id, d, changed: load })), /* @__PURE__ */ h11("button", { type: "button", class: "board-card drop", onClick: () => input.current?.click() }, /* @__PURE__ */ h11(Icon, { name: "file" }), /* @__PURE__ */ h11("span", { class: "drop-title" }, "Drop a .lvdash.json file here"), /* @__PURE__ */ h11("span", { class: "muted" }, "Dashboards made in Databricks work as they are."))),
    picked && /* @__PURE__ */ h11(ImportDialog, { picked, close: () => setPicked(null) })
  );
}
function BoardCard({ d, changed }) {
  const [asking, setAsking] = useState10(false);
  return /* @__PURE__ */ h11("div", { class: "board-card" }, /* @__PURE__ */ h11("a", { class: "board-link", href: "/ui/d/" + encodeURIComponent(d.id) }, /* @__PURE__ */ h11("span", { class: "board-glyph" }, /* @__PURE__ */ h11(Icon, { name: "chart" })), /* @__PURE__ */ h11("span", { class: "board-name" }, d.name), /* @__PURE__ */ h11("span", { class: "board-meta" }, d.broken ? "can’t be read" : `${d.pages} ${d.pages === 1 ? "page" : "pages"}, ${d.widgets} widgets`), /* @__PURE__ */ h11("span", { class: "board-meta" }, d.bundled ? "Comes with lakegate" : `${d.createdBy}, ${d.updated ? showTime(d.updated, { kind: "date" }, "DATE") : ""}`)), d.mine && /* @__PURE__ */ h11(IconButton, { icon: "trash", name: `Move ${d.name} to the trash`, class: "board-trash", onClick: () => setAsking(true) }), asking && /* @__PURE__ */ h11(Dialog, { title: "Move to the trash?", onClose: () => setAsking(false) }, /* @__PURE__ */ h11("p", null, "“", d.name, "” will no longer be listed. Tools can still read it by its id."), /* @__PURE__ */ h11("div", { class: "dialog-foot" }, /* @__PURE__ */ h11("button", { type: "button", class: "button danger", onClick: () => api.trash(d.id).then(() => (setAsking(false), changed())) }, "Move to the trash"))));
}
function ImportDialog({ picked, close }) {
  const [name, setName] = useState10(picked.name);
  const [values, setValues] = useState10({});
  const [report, setReport] = useState10(null);
  const [error, setError] = useState10(null);
  const [busy, setBusy] = useState10(false);
  useEffect8(() => {
    api.check(picked.text, {}).then(setReport, setError);
  }, [picked]);
  const holes = report?.placeholders ?? [];
  const save2 = async (e) => {
    e.preventDefault();
    setBusy(true);
    try {
      const { id } = await api.import(name, picked.text, values);
      go("/ui/d/" + id);
    } catch (err) {
      setError(err);
      setBusy(false);
    }
  };
  return /* @__PURE__ */ h11(Dialog, { title: "Import a dashboard", onClose: close }, error && /* @__PURE__ */ h11(Message, { kind: "error", icon: "warn", title: "This file can’t be imported" }, error.message), !report && !error && /* @__PURE__ */ h11("p", { class: "muted" }, "Reading the file…"), report && /* @__PURE__ */ h11("form", { class: "import", onSubmit: save2 }, /* @__PURE__ */ h11("label", null, "Name", /* @__PURE__ */ h11("input", { type: "text", required: true, maxLength: 255, value: name, onInput: (e) => setName(e.currentTarget.value) })), /* @__PURE__ */ h11(Summary, { report }), holes.map((x) => /* @__PURE__ */ h11("label", { key: x }, "Value of the placeholder ", "{" + x + "}", /* @__PURE__ */ h11("input", { type: "text", required: true, value: values[x] ?? "", onInput: (e) => setValues({ ...values, [x]: e.currentTarget.value }) }))), /* @__PURE__ */ h11("div", { class: "dialog-foot" }, /* @__PURE__ */ h11("button", { type: "button", class: "button", onClick: close }, "Cancel"), /* @__PURE__ */ h11("button", { type: "submit", class: "button primary", disabled: busy }, "Import"))));
}
function Summary({ report }) {
  const widgets = report.widgets ?? [];
  const of = (state) => widgets.filter((w) => w.state === state);
  const trouble = [...of("broken"), ...of("table")];
  return /* @__PURE__ */ h11("div", { class: "import-report" }, /* @__PURE__ */ h11("ul", { class: "facts" }, /* @__PURE__ */ h11("li", null, /* @__PURE__ */ h11("b", null, report.pages), " ", report.pages === 1 ? "page" : "pages"), /* @__PURE__ */ h11("li", null, /* @__PURE__ */ h11("b", null, of("drawn").length), " widgets drawn"), of("table").length > 0 && /* @__PURE__ */ h11("li", null, /* @__PURE__ */ h11("b", null, of("table").length), " shown as a table"), of("broken").length > 0 && /* @__PURE__ */ h11("li", { class: "bad" }, /* @__PURE__ */ h11("b", null, of("broken").length), " broken")), report.tables.length > 0 && /* @__PURE__ */ h11("p", { class: "muted" }, "Reads ", report.tables.join(", ")), trouble.length > 0 && /* @__PURE__ */ h11("ul", { class: "troubles" }, trouble.slice(0, 50).map((w) => /* @__PURE__ */ h11("li", { key: w.place }, /* @__PURE__ */ h11("b", null, w.page, " / ", w.widget), " ", w.detail, " ", /* @__PURE__ */ h11("span", { class: "muted" }, w.place)))), report.notes.map((n) => /* @__PURE__ */ h11("p", { key: n, class: "muted" }, n)));
}

// web/login.tsx
import { h as h12, useState as useState11 } from "../vendor/preact.js";
function LoginPage({ done, trouble }) {
  const [key, setKey] = useState11("");
  const [error, setError] = useState11(trouble);
  const [busy, setBusy] = useState11(false);
  const send = async (e) => {
    e.preventDefault();
    setBusy(true);
    try {
      done(await api.signIn({ key }));
    } catch (err) {
      setError(err.message);
      setBusy(false);
    }
  };
  return /* @__PURE__ */ h12("main", { class: "login" }, /* @__PURE__ */ h12("form", { class: "login-card", onSubmit: send }, /* @__PURE__ */ h12("div", { class: "brand big" }, /* @__PURE__ */ h12(Logo, null), /* @__PURE__ */ h12("span", null, "lakegate")), /* @__PURE__ */ h12("p", { class: "muted" }, "Sign in with an API key to see your dashboards. You see what this key may read."), /* @__PURE__ */ h12("label", null, "API key", /* @__PURE__ */ h12("input", { type: "password", name: "key", autocomplete: "current-password", required: true, autofocus: true, value: key, onInput: (e) => setKey(e.currentTarget.value) })), error && /* @__PURE__ */ h12("div", { class: "form-error", role: "alert" }, error), /* @__PURE__ */ h12("button", { type: "submit", class: "button primary block", disabled: busy || !key }, "Sign in")));
}

// web/app.tsx
async function enter() {
  const link = /^#sign-in=(.+)$/.exec(location.hash)?.[1];
  if (link) {
    history.replaceState(null, "", location.pathname + location.search);
    try {
      return { me: await api.signIn({ link }), trouble: "" };
    } catch (err) {
      const me = await api.me().catch(() => null);
      return { me, trouble: err.message };
    }
  }
  try {
    return { me: await api.me(), trouble: "" };
  } catch (err) {
    return { trouble: "", offline: err.message };
  }
}
function App() {
  const [session, setSession] = useState12(null);
  useEffect9(() => {
    enter().then(setSession);
    onSignedOut(() => {
      forget();
      setSession({ me: null, trouble: "Your session has ended. Please sign in again." });
    });
  }, []);
  if (!session) return null;
  if (session.offline) return /* @__PURE__ */ h13("main", { class: "page" }, /* @__PURE__ */ h13(Message, { kind: "error", icon: "warn", title: "lakegate is not answering" }, session.offline));
  if (!session.me) return /* @__PURE__ */ h13(LoginPage, { trouble: session.trouble, done: (me) => setSession({ me, trouble: "" }) });
  const leave = () => {
    forget();
    api.signOut().finally(() => setSession({ me: null, trouble: "" }));
  };
  return /* @__PURE__ */ h13("div", { class: "shell" }, /* @__PURE__ */ h13(Top, { me: session.me, leave }), /* @__PURE__ */ h13(Route, null));
}
function Top({ me, leave }) {
  const dark = useDark();
  return /* @__PURE__ */ h13("header", { class: "top" }, /* @__PURE__ */ h13("a", { class: "brand", href: "/ui/" }, /* @__PURE__ */ h13(Logo, null), /* @__PURE__ */ h13("span", null, "lakegate")), /* @__PURE__ */ h13("nav", { class: "top-nav", "aria-label": "Main" }, /* @__PURE__ */ h13("a", { href: "/ui/" }, "Dashboards")), /* @__PURE__ */ h13("div", { class: "top-right" }, /* @__PURE__ */ h13("button", { type: "button", class: "icon-button", onClick: toggleTheme, "aria-label": dark ? "Light colours" : "Dark colours", title: dark ? "Light colours" : "Dark colours" }, /* @__PURE__ */ h13(Icon, { name: dark ? "sun" : "moon" })), /* @__PURE__ */ h13(Popover, { name: "Signed in as " + me.name, class: "user", align: "right", label: [/* @__PURE__ */ h13("span", { class: "avatar" }, (me.name[0] ?? "?").toUpperCase()), /* @__PURE__ */ h13("span", { class: "wide-only user-name" }, me.name)] }, () => /* @__PURE__ */ h13("div", { class: "menu" }, /* @__PURE__ */ h13("div", { class: "menu-text" }, /* @__PURE__ */ h13("b", null, me.name), /* @__PURE__ */ h13("span", { class: "muted" }, me.kind === "SERVICE_PRINCIPAL" ? "service principal" : "user", me.key ? `, key ${me.key}` : "")), /* @__PURE__ */ h13("button", { type: "button", class: "menu-item", onClick: leave }, "Sign out")))));
}
function Route() {
  const { path } = useAddress();
  const board = /^\/ui\/d\/([^/]+)(?:\/([^/]+))?$/.exec(path);
  if (board) return /* @__PURE__ */ h13(DashboardPage, { id: decodeURIComponent(board[1]), page: board[2] && decodeURIComponent(board[2]) });
  return /* @__PURE__ */ h13(ListPage, null);
}
catchLinks();
render(/* @__PURE__ */ h13(App, null), document.getElementById("app"));
