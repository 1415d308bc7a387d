"use strict";
// Exact errors of the mean parameter, in units of V(m), for a family with V(m) = v0 + v1 m + v2 m^2.
// s: { loop, real, made, weight, v2, generations }; the value at index t - 1 is that of fit t.
const STEPS = {
  replace: (v, t, s) => v + (1 + s.v2 * v) / s.made,
  accumulate: (v, t, s) => {
    const share = s.made / (s.real + (t - 1) * s.made);
    return v + share * share * (1 + s.v2 * v) / s.made;
  },
  fixed: (v, t, s) => {
    const share = s.made / (s.real + s.made), apart = v - 1 / s.real;
    return 1 / s.real + share * share * (apart + (1 + s.v2 * v) / s.made);
  },
  fresh: (v, t, s) => {
    const share = s.made / (s.real + s.made), rest = 1 - share;
    return rest * rest / s.real + share * share * (v + (1 + s.v2 * v) / s.made);
  },
  weighted: (v, t, s) => {
    const rest = 1 - s.weight;
    return s.weight * s.weight / s.real + rest * rest * (v + (1 + s.v2 * v) / s.made);
  },
};
function curve(s) {
  const out = [1 / s.real];
  for (let t = 2; t <= s.generations; t++) out.push(STEPS[s.loop](out[t - 2], t, s));
  return out;
}
if (typeof module !== "undefined") module.exports = { curve };
if (typeof document !== "undefined") start();

function start() {
  const DATA = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const controls = ["real", "made", "weight", "generations"];
  const plot = { left: 62, right: 700, top: 16, bottom: 330 };
  const nice = (x) => x === 0 ? "0" : Math.abs(x) >= 1e4 || Math.abs(x) < 1e-3 ? x.toExponential(1)
    : String(Number(x.toPrecision(3)));

  function settings() {
    const s = { v2: Number($("v2").value), generations: Number($("generations").value) };
    for (const id of ["real", "made", "weight"]) s[id] = Number($(id).value);
    return s;
  }
  function chosen() {
    return [...document.querySelectorAll("input[name=loop]:checked")].map((box) => box.value);
  }
  function draw() {
    const s = settings(), loops = chosen();
    for (const id of controls) $(`${id}-value`).value = $(id).value;
    const curves = loops.map((loop) => curve({ ...s, loop }).map((v) => v * s.real));
    const bands = DATA.filter((d) => loops.includes(d.loop) && same(d, s));
    const tops = [...curves.flat(), ...bands.flatMap((d) => d.mean.map((m, i) => m + 2 * d.se[i]))];
    const high = Math.max(1.05, ...tops.filter(Number.isFinite)), low = Math.min(1, ...tops) * 0.95;
    const log = high > 30 * Math.max(low, 1e-9) && low > 0, f = log ? Math.log : (x) => x;
    const x = (t) => plot.left + (plot.right - plot.left) * (t - 1) / Math.max(1, s.generations - 1);
    const y = (v) => plot.bottom - (plot.bottom - plot.top) * (f(v) - f(low)) / (f(high) - f(low));
    $("axes").innerHTML = axes(x, y, low, high, s.generations, log);
    $("curves").innerHTML = loops.map((loop, i) => line(loop, curves[i], x, y)).join("");
    $("bands").innerHTML = bands.map((d) => band(d, x, y)).join("");
    const said = loops.map((loop, i) => `${$(`${loop}-name`).textContent} ${nice(curves[i].at(-1))}`);
    $("answer").textContent =
      `After ${s.generations} fits the error is, times the first one: ${said.join("; ")}.`;
    $("simulated").textContent = bands.length
      ? `Bands: ${DATA[0].chains.toLocaleString("en")} simulated chains, mean ± 2 standard errors.`
      : "";
  }
  function same(d, s) {
    return ["real", "made", "weight", "v2", "generations"].every((k) =>
      k === "weight" && d.loop !== "weighted" || d[k] === s[k]);
  }
  function line(loop, values, x, y) {
    const path = values.map((v, i) => `${i ? "L" : "M"}${x(i + 1).toFixed(1)} ${y(v).toFixed(1)}`);
    return `<path class="curve ${loop}" d="${path.join("")}"/>`;
  }
  function band(d, x, y) {
    const at = (i, k) => `${x(i + 1).toFixed(1)} ${y(d.mean[i] + k * d.se[i]).toFixed(1)}`;
    const up = d.mean.map((_, i) => at(i, 2)), down = d.mean.map((_, i) => at(i, -2)).reverse();
    return `<path class="band ${d.loop}" d="M${[...up, ...down].join("L")}Z"/>`;
  }
  function axes(x, y, low, high, last, log) {
    const out = [`<path class="frame" d="M${plot.left} ${plot.top}V${plot.bottom}H${plot.right}"/>`];
    const ticks = [...new Set([1, 0.25, 0.5, 0.75, 1].map((k, i) => i ? Math.round(1 + k * (last - 1)) : 1))];
    for (const t of ticks) out.push(`<text class="tick" x="${x(t)}" y="${plot.bottom + 18}">${t}</text>`);
    for (const v of steps(low, high, log))
      out.push(`<text class="tick side" x="${plot.left - 6}" y="${y(v) + 4}">${nice(v)}</text>`);
    out.push(`<path class="first" d="M${plot.left} ${y(1)}H${plot.right}"/>`);
    return out.join("");
  }
  function steps(low, high, log) {
    if (log) {
      const out = [];
      for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k++)
        out.push(...[1, 2, 5].map((m) => m * 10 ** k));
      return out.filter((v) => v >= low && v <= high);
    }
    const rough = (high - low) / 5, size = 10 ** Math.floor(Math.log10(rough));
    const step = size * [1, 2, 5, 10].find((m) => m * size >= rough), out = [];
    for (let v = Math.ceil(low / step) * step; v <= high; v += step) out.push(Number(v.toPrecision(6)));
    return out;
  }
  function preset(d) {
    for (const id of ["real", "made", "weight", "generations"]) $(id).value = d[id];
    $("v2").value = String(d.v2);
    draw();
  }
  document.querySelectorAll("input, select").forEach((node) => node.addEventListener("input", draw));
  $("preset").addEventListener("click", () => preset(DATA[0]));
  draw();
}
