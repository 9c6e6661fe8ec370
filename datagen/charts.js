// Charts by real chart libraries, ECharts and Chart.js, on a canvas; loaded when a page first asks for one.
window.charts = (() => {
  const drawn = [];
  const scripts = new Map();

  function load(src) {
    if (!scripts.has(src)) {
      scripts.set(src, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = src;
        script.onload = resolve;
        script.onerror = () => reject(new Error(`the chart library ${src} does not load`));
        document.head.append(script);
      }));
    }
    return scripts.get(src);
  }

  function clear() {
    while (drawn.length) drawn.pop()();
  }

  async function draw(body) {
    const places = [...body.querySelectorAll("[data-chart]")].filter(place => place.clientWidth && place.clientHeight);
    const specs = places.map(place => JSON.parse(place.dataset.chart));
    const withChart = spec => spec.library === "chartjs" && spec.kind !== "heat" && spec.kind !== "gauge";
    for (const spec of specs) await load(withChart(spec) ? "/chart.js/dist/chart.umd.min.js" : "/echarts/dist/echarts.min.js");
    // All places are measured before the first is filled: a chart must not depend on how soon another one came.
    // Canvases of a document keep a font by its name, as it was drawn at the pixel ratio of the time: a last family, which nobody has, tells ratios apart.
    const looks = places.map((place, n) => ({
      ...specs[n], ink: getComputedStyle(place).color, font: `${getComputedStyle(place).fontFamily}, "at ${devicePixelRatio}"`, width: place.clientWidth, height: place.clientHeight,
      colours: [0, 1, 2, 3, 4, 5].map(i => `hsl(${(specs[n].hue + i * 67) % 360} 62% 52%)`),
    }));
    // Chart libraries measure their text: with the fonts that will be drawn, not with what stands in for them.
    const measured = "0123456789.,-%国M"; // 国 is what ECharts takes a line's height from
    await Promise.all(looks.flatMap(look => ["normal", "bold"].map(weight => document.fonts.load(`${weight} 12px ${look.font}`, measured + JSON.stringify(look)))));
    places.forEach((place, n) => (withChart(specs[n]) ? withChartJs : untimed(withECharts))(place, looks[n]));
  }

  // ECharts measures texts more roughly where measuring takes long (zrender's contain/text.js): to it, no time passes.
  const untimed = drawing => (...given) => {
    const clock = window.Date;
    window.Date = class extends clock {
      constructor(...when) { super(...(when.length ? when : [0])); }
      static now() { return 0; }
    };
    try { drawing(...given); } finally { window.Date = clock; }
  };

  const faint = colour => colour.replace("rgb(", "rgba(").replace(")", ",0.2)");

  function withChartJs(place, look) {
    const canvas = document.createElement("canvas");
    Object.assign(canvas.style, {width: `${look.width}px`, height: `${look.height}px`});
    [canvas.width, canvas.height] = [look.width, look.height];
    place.append(canvas);
    const round = ["pie", "donut"].includes(look.kind);
    const type = {area: "line", donut: "doughnut"}[look.kind] || look.kind;
    const datasets = look.values.map((values, i) => ({
      label: look.names[i], data: look.kind === "scatter" ? values.map((y, x) => ({x: (x * 37) % 100, y})) : values, fill: look.kind === "area",
      backgroundColor: round ? look.colours : look.colours[i] + (look.kind === "area" ? "" : ""), borderColor: round ? "transparent" : look.colours[i], borderWidth: 2, pointRadius: 2,
      tension: look.smooth ? 0.4 : 0,
    }));
    const scale = {display: look.axes, stacked: look.stacked, ticks: {color: look.ink}, grid: {color: faint(look.ink)}};
    Chart.defaults.font.family = look.font; // a font among the options of one chart does not reach the words at its axes
    const chart = new Chart(canvas, {
      type, data: {labels: look.labels, datasets},
      options: {
        animation: false, responsive: false, devicePixelRatio: window.devicePixelRatio,
        plugins: {legend: {display: look.legend, labels: {color: look.ink}}},
        scales: round ? {} : look.kind === "radar" ? {r: {...scale, pointLabels: {color: look.ink}}} : {x: scale, y: scale},
      },
    });
    drawn.push(() => chart.destroy());
  }

  function withECharts(place, look) {
    // By itself ECharts would keep the pixel ratio of the window that it was loaded in.
    const chart = echarts.init(place, null, {renderer: "canvas", width: look.width, height: look.height, devicePixelRatio});
    const round = ["pie", "donut"].includes(look.kind);
    const cartesian = ["bar", "line", "area", "scatter", "heat"].includes(look.kind);
    const axis = {axisLabel: {color: look.ink, fontFamily: look.font}, splitLine: {lineStyle: {color: faint(look.ink)}}, show: look.axes};
    const pairs = look.labels.map((name, i) => ({name, value: look.values[0][i]}));
    const option = {animation: false, color: look.colours, textStyle: {fontFamily: look.font, color: look.ink}, grid: {containLabel: true, left: 8, right: 8, top: look.legend ? 32 : 8, bottom: 8}};
    if (look.legend) option.legend = {textStyle: {color: look.ink, fontFamily: look.font}};
    if (cartesian) {
      option.xAxis = look.kind === "scatter" ? {type: "value", ...axis} : {type: "category", data: look.labels, ...axis};
      option.yAxis = look.kind === "heat" ? {type: "category", data: look.labels, ...axis} : {type: "value", ...axis};
    }
    if (round) option.series = [{type: "pie", radius: look.kind === "donut" ? ["45%", "75%"] : "75%", data: pairs, label: {color: look.ink, show: look.axes}}];
    else if (look.kind === "gauge") option.series = [{type: "gauge", data: [{value: look.values[0][0]}], detail: {color: look.ink, fontSize: 16}, axisLabel: {show: false}}];
    else if (look.kind === "radar") {
      option.radar = {indicator: look.labels.map(name => ({name, max: 100})), axisName: {color: look.ink}};
      option.series = [{type: "radar", data: look.values.map((value, i) => ({value, name: look.names[i]}))}];
    } else if (look.kind === "heat") {
      const cells = look.labels.flatMap((_, x) => look.labels.map((_, y) => [x, y, (look.values[0][x] * (y + 3) * 7) % 100]));
      option.visualMap = {show: false, min: 0, max: 100, inRange: {color: ["transparent", look.colours[0]]}};
      option.series = [{type: "heatmap", data: cells}];
    } else {
      option.series = look.values.map((values, i) => ({
        type: look.kind === "area" ? "line" : look.kind, name: look.names[i], smooth: look.smooth, stack: look.stacked ? "all" : undefined, areaStyle: look.kind === "area" ? {} : undefined,
        data: look.kind === "scatter" ? values.map((y, x) => [(x * 37) % 100, y]) : values,
      }));
    }
    chart.setOption(option);
    chart.getZr().flush();
    drawn.push(() => chart.dispose());
  }

  return {draw, clear};
})();
