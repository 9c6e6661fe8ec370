// Shows pages and reads their labels. An element that carries data-c="<class>" is labelled; everything else is layout.
// All numbers are CSS pixels of the viewport.
window.screenry = (() => {
  const TEXT = new Set(["text", "link", "heading"]); // boxes tight around the glyphs, not around the line
  const FIELDS = new Set(["INPUT", "TEXTAREA", "SELECT"]);
  const IMPLIED_ROLES = {
    A: "link", BUTTON: "button", TEXTAREA: "textbox", SELECT: "combobox", TABLE: "table", TR: "row", TD: "cell", TH: "columnheader", UL: "list",
    OL: "list", LI: "listitem", NAV: "navigation", ASIDE: "complementary", H1: "heading", H2: "heading", H3: "heading", H4: "heading", H5: "heading",
    H6: "heading", PROGRESS: "progressbar", IMG: "img", ARTICLE: "article", DIALOG: "dialog", P: "paragraph", FIGURE: "figure",
  };
  const INPUT_ROLES = {checkbox: "checkbox", radio: "radio", range: "slider", search: "searchbox", number: "spinbutton", button: "button", submit: "button"};
  const GRID = 4; // sample points per axis that ask what lies on top
  const COVERING = 0.7; // from this opacity on, what lies below cannot be read (a dialog's backdrop has 0.5, a toast 0.85)
  const MAGNIFY = 8; // the canvas rounds ink extents to whole pixels: measured at eight times the size, they are exact to an eighth
  const sheets = new Map();
  const ascents = new Map();
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.textRendering = "geometricPrecision"; // as the pages have it (browser.py)

  function addTheme(theme, css, reset) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css + reset);
    sheets.set(theme, sheet);
  }

  function show(page) {
    const root = document.documentElement;
    document.adoptedStyleSheets = [sheets.get(page.theme)];
    root.setAttribute("data-bs-theme", page.palette);
    root.style.cssText = `font-size:${page.rootPx}px;--screen-font:'${page.font}';--screen-heading-font:'${page.headingFont}'`;
    const body = document.createElement("body");
    body.className = page.bodyClass;
    body.innerHTML = page.body;
    root.replaceChild(body, document.body);
    for (const mixed of body.querySelectorAll("[data-mixed]")) mixed.indeterminate = true;
    for (const scroller of body.querySelectorAll("[data-scroll-to]")) scroller.scrollTop = Number(scroller.dataset.scrollTo);
    window.scrollTo(0, page.scrollY);
    const focused = body.querySelector("[data-focus]");
    if (focused) focused.focus({preventScroll: true});
    return document.fonts.ready.then(() => true);
  }

  function annotate(minVisible) {
    const styles = new Map();
    const style = element => {
      let found = styles.get(element);
      if (!found) styles.set(element, (found = getComputedStyle(element)));
      return found;
    };
    const viewport = [0, 0, innerWidth, innerHeight];
    const out = [];
    const ids = new Map();
    const marked = [...document.body.querySelectorAll("[data-c]")];
    for (const element of marked) {
      if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true})) continue;
      const own = element.dataset.c;
      const full = TEXT.has(own) ? inkBox(element, style) : toBox(element.getBoundingClientRect());
      if (!full || area(full) <= 0) continue;
      let box = intersect(full, clipBox(element, TEXT.has(own), viewport, style));
      if (area(box) <= 0) continue;
      let {uncovered, reachable, covers} = sample(element, box, style);
      if (covers.size) {
        const rest = trim(box, covers);
        if (area(rest) <= 0) continue;
        if (area(rest) < area(box)) ({uncovered, reachable} = sample(element, (box = rest), style));
      }
      const visible = (area(box) / area(full)) * uncovered;
      if (uncovered === 0 || visible < minVisible) continue;
      const disabled = element.matches(":disabled, [aria-disabled=true], .disabled");
      ids.set(element, out.length);
      out.push({
        element, id: out.length, class_name: own, box, text: textOf(element), name: nameOf(element), role: roleOf(element), states: statesOf(element, disabled),
        visible_fraction: visible, reachable: reachable > 0.5 && !disabled,
      });
    }
    for (const entry of out) {
      let above = entry.element.parentElement;
      while (above && !ids.has(above)) above = above.parentElement;
      entry.parent = above ? ids.get(above) : null;
      entry.order = paintOrder(entry.element, style);
    }
    const painted = [...out].sort((a, b) => compare(a.order, b.order));
    painted.forEach((entry, z) => { entry.z = z; });
    for (const entry of out) { delete entry.element; delete entry.order; }
    return out;
  }

  // ---- geometry -------------------------------------------------------------------------------------------------------------------------

  const toBox = rect => [rect.left, rect.top, rect.right, rect.bottom];
  const area = box => Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
  const intersect = (a, b) => [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
  const union = (a, b) => (a ? [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])] : b);

  function paddingBox(element, style) {
    const rect = element.getBoundingClientRect(), s = style(element);
    return [
      rect.left + parseFloat(s.borderLeftWidth), rect.top + parseFloat(s.borderTopWidth),
      rect.right - parseFloat(s.borderRightWidth), rect.bottom - parseFloat(s.borderBottomWidth),
    ];
  }

  // What crops an element: the viewport and every box up its chain of containing blocks that hides or scrolls its overflow.
  function clipBox(element, cropsItself, viewport, style) {
    let clip = viewport;
    let position = style(element).position;
    if (cropsItself && style(element).overflowX !== "visible") clip = intersect(clip, paddingBox(element, style));
    for (let above = element.parentElement; above && above !== document.body; above = above.parentElement) {
      const s = style(above);
      const contains = s.transform !== "none" || s.filter !== "none";
      if (position === "fixed" && !contains) continue;
      if (position === "absolute" && s.position === "static" && !contains) continue;
      if (s.overflowX !== "visible" || s.overflowY !== "visible") clip = intersect(clip, paddingBox(above, style));
      position = s.position;
    }
    return clip;
  }

  // The union of the inked extents of an element's own text. A line's rectangle runs from the font's ascent to its descent; the canvas knows how
  // far the glyphs of this very text reach from the baseline.
  function inkBox(element, style) {
    let box = null;
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement.closest("[data-c]") !== element || !node.data.trim()) continue;
      const s = style(node.parentElement);
      const ascent = ascentOf(s);
      canvas.font = `${s.fontStyle} ${s.fontWeight} ${parseFloat(s.fontSize) * MAGNIFY}px ${s.fontFamily}`;
      canvas.letterSpacing = `${(parseFloat(s.letterSpacing) || 0) * MAGNIFY}px`;
      for (const line of linesOf(node)) {
        const ink = canvas.measureText(transformed(line.text, s.textTransform));
        const baseline = snap(line.top + ascent);
        box = union(box, [
          line.left - ink.actualBoundingBoxLeft / MAGNIFY, baseline - ink.actualBoundingBoxAscent / MAGNIFY,
          line.left + ink.actualBoundingBoxRight / MAGNIFY, baseline + ink.actualBoundingBoxDescent / MAGNIFY,
        ]);
      }
    }
    return box && [outwards(box[0], -1), outwards(box[1], -1), outwards(box[2], 1), outwards(box[3], 1)];
  }

  // From the top of a line's rectangle to its baseline. Layout rounds it to whole CSS pixels at the size that is used, so it is asked for there.
  function ascentOf(s) {
    const font = `${s.fontStyle} ${s.fontWeight} ${s.fontSize} ${s.fontFamily}`;
    if (!ascents.has(font)) {
      canvas.font = font;
      ascents.set(font, Math.round(canvas.measureText("x").fontBoundingBoxAscent));
    }
    return ascents.get(font);
  }

  // Baselines are painted on whole device pixels; an inked pixel counts whole.
  const snap = y => Math.round(y * devicePixelRatio) / devicePixelRatio;
  const outwards = (x, side) => (side < 0 ? Math.floor(x * devicePixelRatio + 0.1) : Math.ceil(x * devicePixelRatio - 0.1)) / devicePixelRatio;

  function linesOf(node) {
    const range = document.createRange();
    const words = [...node.data.matchAll(/\S+/g)];
    const first = words[0].index, last = words[words.length - 1];
    range.setStart(node, first);
    range.setEnd(node, last.index + last[0].length);
    const whole = range.getClientRects();
    if (whole.length === 1) return [{text: words.map(word => word[0]).join(" "), left: whole[0].left, top: whole[0].top}];
    const lines = [];
    for (const word of words) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const rect = range.getClientRects()[0];
      if (!rect) continue;
      const line = lines[lines.length - 1];
      if (line && Math.abs(line.top - rect.top) < 1) line.text += " " + word[0];
      else lines.push({text: word[0], left: rect.left, top: rect.top});
    }
    return lines;
  }

  function transformed(text, how) {
    if (how === "uppercase") return text.toUpperCase();
    if (how === "lowercase") return text.toLowerCase();
    if (how === "capitalize") return text.replace(/(^|\s)\p{L}/gu, start => start.toUpperCase());
    return text;
  }

  // ---- what lies on top -----------------------------------------------------------------------------------------------------------------

  // Shares of sample points at which nothing opaque of another element lies above (uncovered), and nothing painted at all (reachable); and the
  // opaque elements that were met.
  function sample(element, box, style) {
    let uncovered = 0, reachable = 0;
    const covers = new Set();
    for (let i = 0; i < GRID; i++) {
      for (let j = 0; j < GRID; j++) {
        const x = box[0] + ((i + 0.5) / GRID) * (box[2] - box[0]), y = box[1] + ((j + 0.5) / GRID) * (box[3] - box[1]);
        const top = document.elementFromPoint(x, y);
        let cover = 0;
        if (top && !related(top, element)) {
          for (const above of document.elementsFromPoint(x, y)) {
            if (related(above, element)) break;
            const opacity = opacityOf(above, style);
            if (opacity >= COVERING) covers.add(above);
            cover = Math.max(cover, opacity);
          }
        }
        if (cover < COVERING) uncovered++;
        if (cover < 0.1) reachable++;
      }
    }
    return {uncovered: uncovered / GRID ** 2, reachable: reachable / GRID ** 2, covers};
  }

  // A cover that reaches from side to side takes that end of the box away, as a clip would.
  function trim(box, covers) {
    let [x1, y1, x2, y2] = box;
    for (const cover of covers) {
      const [a1, b1, a2, b2] = toBox(cover.getBoundingClientRect());
      if (a1 <= x1 && a2 >= x2) {
        if (b1 <= y1) y1 = Math.max(y1, b2);
        else if (b2 >= y2) y2 = Math.min(y2, b1);
      }
      if (b1 <= y1 && b2 >= y2) {
        if (a1 <= x1) x1 = Math.max(x1, a2);
        else if (a2 >= x2) x2 = Math.min(x2, a1);
      }
    }
    return [x1, y1, x2, y2];
  }

  const related = (a, b) => a.contains(b) || b.contains(a);

  function opacityOf(element, style) {
    const s = style(element);
    let opacity = 1;
    for (let above = element; above; above = above.parentElement) opacity *= Number(style(above).opacity);
    if (s.backgroundImage !== "none" || /^(img|canvas|video)$/i.test(element.tagName)) return opacity;
    const colour = s.backgroundColor.match(/[\d.]+/g).map(Number);
    return opacity * (colour.length === 4 ? colour[3] : 1);
  }

  // A sort key that follows CSS painting: within each stacking context, z-index first, positioned boxes above the flow, then tree order.
  function paintOrder(element, style) {
    const order = [];
    for (let at = element; at && at !== document.documentElement; at = at.parentElement) {
      const s = style(at);
      const index = [...at.parentElement.children].indexOf(at);
      const z = s.zIndex !== "auto" ? Number(s.zIndex) : 0;
      const positioned = s.position !== "static" || s.opacity !== "1" || s.transform !== "none" ? 1 : 0;
      order.unshift([z, positioned, index]);
    }
    return order;
  }

  function compare(a, b) {
    // Positioned descendants of unpositioned ancestors rise above the flow; the first difference of layer decides, else the tree does.
    const layers = path => path.map(step => step[0] * 2 + step[1]).filter(layer => layer !== 0);
    const common = commonDepth(a, b);
    if (common === a.length || common === b.length) return a.length - b.length;
    const layerA = layers(a.slice(common))[0] ?? 0, layerB = layers(b.slice(common))[0] ?? 0;
    return layerA - layerB || a[common][2] - b[common][2];
  }

  function commonDepth(a, b) {
    let depth = 0;
    while (depth < a.length && depth < b.length && a[depth][2] === b[depth][2]) depth++;
    return depth;
  }

  // ---- words ----------------------------------------------------------------------------------------------------------------------------

  const squeeze = text => (text || "").replace(/\s+/g, " ").trim();

  // The text that is painted in the element itself; text of labelled elements inside belongs to them.
  function textOf(element) {
    if (element.tagName === "SELECT") return squeeze(element.multiple ? "" : element.selectedOptions[0]?.text);
    if (element.type === "password" || element.type === "range" || element.type === "checkbox" || element.type === "radio") return "";
    if (FIELDS.has(element.tagName)) return squeeze(element.value || element.placeholder);
    const parts = [];
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement.closest("[data-c]") === element && !node.parentElement.closest(".visually-hidden")) {
        parts.push(transformed(node.data, getComputedStyle(node.parentElement).textTransform));
      }
    }
    return squeeze(parts.join(" "));
  }

  function nameOf(element) {
    const byId = element.getAttribute("aria-labelledby");
    if (byId) return squeeze(byId.split(/\s+/).map(id => document.getElementById(id)?.textContent || "").join(" "));
    if (element.ariaLabel) return squeeze(element.ariaLabel);
    if (FIELDS.has(element.tagName)) return squeeze(element.labels?.[0]?.textContent || element.placeholder || element.title);
    if (element.alt || element.title) return squeeze(element.alt || element.title);
    return /^(A|BUTTON|H[1-6]|LABEL|LI|TD|TH|SPAN|P)$/.test(element.tagName) ? squeeze(element.textContent) : "";
  }

  function roleOf(element) {
    if (element.getAttribute("role")) return element.getAttribute("role");
    if (element.tagName === "INPUT") return INPUT_ROLES[element.type] || "textbox";
    if (element.tagName === "SELECT" && (element.multiple || element.size > 1)) return "listbox";
    return IMPLIED_ROLES[element.tagName] || null;
  }

  function statesOf(element, disabled) {
    const is = (attribute, value = "true") => element.getAttribute(attribute) === value;
    const states = [];
    if (disabled) states.push("disabled");
    if (element === document.activeElement) states.push("focused");
    if (is("aria-selected") || (element.matches(".active") && !element.hasAttribute("aria-current"))) states.push("selected");
    if (element.checked || is("aria-checked")) states.push("checked");
    if (element.indeterminate === true && element.type === "checkbox") states.push("mixed");
    if (is("aria-pressed")) states.push("pressed");
    if (is("aria-expanded")) states.push("expanded");
    if (is("aria-expanded", "false")) states.push("collapsed");
    if (element.matches(".is-invalid, [aria-invalid=true]")) states.push("invalid");
    if (element.required) states.push("required");
    if (element.readOnly && FIELDS.has(element.tagName) && element.hasAttribute("readonly")) states.push("readonly");
    if (is("aria-busy")) states.push("busy");
    if (element.hasAttribute("aria-current")) states.push("current");
    return states;
  }

  return {addTheme, show, annotate};
})();
