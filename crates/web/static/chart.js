// Draws a `ChartSpec` ({labels, series: [{name, values}], unit, incomplete, summary}) with ECharts on a canvas.
// Colours come from the style sheet, so that both themes work; the last interval is dashed while it is not over.

import { init } from "./vendor/echarts.js";

const charts = new Set();
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const isPrinting = () => document.documentElement.classList.contains("printing");
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const signs = { USD: "$", EUR: "€", GBP: "£" };

/** A figure as tables write it: narrow spaces between thousands, the sign of its currency in front. */
function figure(value, unit, digits) {
  if (value === null || value === undefined) return "withheld";
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const text = new Intl.NumberFormat("en", options).format(Math.abs(value)).replaceAll(",", "\u202f");
  const minus = value < 0 && /[1-9]/.test(text) ? "\u2212" : "";
  if (signs[unit]) return minus + signs[unit] + text;
  return minus + (unit ? `${text} ${unit}` : text);
}

/** Digits after the point that figures have which stand together: none where one of them is long or all are whole. */
function digitsOf(values) {
  return values.some((value) => Math.abs(value) >= 1000) || values.every(Number.isInteger) ? 0 : 2;
}

/** Digits after the point that tell the labels of an axis apart. */
function digitsOfAxis(low, high) {
  const step = (high - low) / 5;
  return step > 0 ? Math.min(3, Math.max(0, Math.ceil(-Math.log10(step)))) : digitsOf([high]);
}

/** The unit of the labels of an axis: a sign is short enough to stand at each; what else it is the title says. */
const unitOfAxis = (unit) => (signs[unit] || unit === "%" ? unit : "");

const known = (spec) => spec.series.flatMap((series) => series.values).filter((value) => value !== null);

function tooltip(spec) {
  const digits = digitsOf(known(spec));
  return (points) => {
    const box = document.createElement("div");
    const title = document.createElement("b");
    const last = points[0].dataIndex === spec.labels.length - 1;
    title.textContent = spec.labels[points[0].dataIndex] + (last && spec.incomplete ? ", not over yet" : "");
    box.append(title);
    const seen = new Set();
    for (const point of points) {
      if (seen.has(point.seriesName) || point.value === null || point.value === undefined) continue;
      seen.add(point.seriesName);
      const line = document.createElement("div");
      const text = figure(point.value, spec.unit, digits);
      line.textContent = spec.series.length > 1 ? `${point.seriesName}: ${text}` : text;
      box.append(line);
    }
    return box;
  };
}

/** One line, and its dashed end while the last interval is not over. */
function lines(spec, series, index, fromZero) {
  const color = token(`--c${index + 1}`);
  const shared = { type: "line", name: series.name, symbolSize: 6, showSymbol: spec.labels.length < 3, color, animation: !calm.matches && !isPrinting(), animationDuration: 140 };
  // Where the axis begins elsewhere, a filled line would look like growth from nothing.
  const area = spec.series.length === 1 && fromZero ? { areaStyle: { color, opacity: 0.07 } } : {};
  if (!spec.incomplete || spec.labels.length < 2) return [{ ...shared, ...area, lineStyle: { width: 2 }, data: series.values }];
  const end = spec.labels.length - 1;
  return [
    { ...shared, ...area, lineStyle: { width: 2 }, data: series.values.map((value, at) => (at < end ? value : null)) },
    { ...shared, lineStyle: { width: 2, type: [4, 4] }, data: series.values.map((value, at) => (at >= end - 1 ? value : null)) },
  ];
}

function option(spec) {
  const [ink, muted, line, raised] = ["--ink", "--muted", "--line", "--raised"].map(token);
  const text = { color: muted, fontFamily: "Inter, system-ui, sans-serif", fontSize: 12 };
  const all = known(spec);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  // A line may leave zero out where the figures lie close together; the axis says so by its labels.
  const fromZero = low < 0 || low < high / 2;
  const digits = digitsOfAxis(fromZero ? Math.min(low, 0) : low, high);
  return {
    aria: { enabled: false },
    textStyle: text,
    grid: { left: 8, right: 12, top: 12, bottom: 4, outerBoundsMode: "same", containLabel: true },
    xAxis: {
      type: "category", data: spec.labels, boundaryGap: false,
      axisLine: { lineStyle: { color: line } }, axisTick: { show: false },
      axisLabel: { ...text, hideOverlap: true, margin: 12, formatter: (label) => label.replace("week of ", "") },
    },
    yAxis: {
      type: "value", scale: !fromZero, splitNumber: 4,
      splitLine: { lineStyle: { color: line } }, axisLabel: { ...text, formatter: (value) => figure(value, unitOfAxis(spec.unit), digits) },
    },
    tooltip: {
      trigger: "axis", confine: true, formatter: tooltip(spec), backgroundColor: raised, borderColor: line, borderWidth: 1,
      textStyle: { ...text, color: ink, fontSize: 13 }, axisPointer: { lineStyle: { color: muted, type: "solid" } }, extraCssText: "box-shadow:none;border-radius:8px",
    },
    series: spec.series.flatMap((series, index) => lines(spec, series, index, fromZero)),
  };
}

/** Names of the lines, in HTML, where there is more than one. */
function legend(element, spec) {
  if (spec.series.length < 2) return;
  const list = document.createElement("ul");
  list.className = "legend";
  spec.series.forEach((series, index) => {
    const item = document.createElement("li");
    item.dataset.color = String(index + 1);
    item.textContent = series.name;
    list.append(item);
  });
  element.after(list);
}

/** Draws the chart of an element, and keeps it in step with its size and the theme. */
export function draw(element) {
  element.dataset.drawn = "";
  const spec = JSON.parse(element.dataset.chart);
  const chart = init(element, null, { renderer: "canvas" });
  chart.setOption(option(spec));
  legend(element, spec);
  const entry = { chart, spec };
  charts.add(entry);
  new ResizeObserver((_, observer) => {
    if (element.isConnected) return chart.resize();
    observer.disconnect();
    charts.delete(entry);
    chart.dispose();
  }).observe(element);
}

function redraw() {
  for (const { chart, spec } of charts) chart.setOption(option(spec), true);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

// Paper is white: the style sheet gives this class the light colours, and a canvas keeps those it was drawn with.
addEventListener("beforeprint", () => {
  document.documentElement.classList.add("printing");
  redraw();
});
addEventListener("afterprint", () => {
  document.documentElement.classList.remove("printing");
  redraw();
});
