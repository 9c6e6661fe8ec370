// Takes the painting of one labelled element out of the live page, or paints its box over, and puts it back (audit.py). Layout never changes.
window.audit = (() => {
  const TEXT = new Set(["text", "link", "heading"]);
  let touched = new Map(); // element -> its style attribute as it was
  const rules = []; // [element, sheet] added for pseudo-elements
  let stripped = new Map();
  const plain = []; // [root, sheet] without the shadows of parts that only style sheets reach
  let focused = null;

  function deepActive() {
    let active = document.activeElement;
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
    return active === document.body ? null : active;
  }

  function set(element, properties) {
    if (!touched.has(element)) touched.set(element, element.getAttribute("style"));
    for (const [property, value] of Object.entries(properties)) element.style.setProperty(property, value, "important");
  }

  function putBack(styles) {
    for (const [element, written] of styles) {
      element.setAttribute("style", written ?? ""); // removing it right away would leave an empty one: it is written lazily
      if (written === null) element.removeAttribute("style");
    }
  }

  function restore() {
    putBack(touched);
    touched = new Map();
    // What is hidden loses the focus, and with it its look.
    if (focused && deepActive() !== focused) focused.focus({preventScroll: true, focusVisible: true});
    for (const [element, sheet] of rules.splice(0)) {
      const root = element.getRootNode();
      root.adoptedStyleSheets = [...root.adoptedStyleSheets].filter(other => other !== sheet);
      element.removeAttribute("data-audited");
    }
    return true;
  }

  const styleOf = (element, pseudo) => element.ownerDocument.defaultView.getComputedStyle(element, pseudo);
  const elementsIn = element => [...screenry.flatChildren(element)].filter(node => node.nodeType === Node.ELEMENT_NODE);

  function* everything(root) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* everything(element.shadowRoot);
      if (element.localName === "iframe" && element.contentDocument) yield* everything(element.contentDocument);
    }
  }

  // Shadows, outlines and focus rings lie outside the boxes by definition (annotate.js): they go for the whole audit. Inset shadows are painted inside and stay.
  function prepare() {
    focused = deepActive();
    const wanted = [];
    for (const element of everything(document)) {
      const s = styleOf(element);
      const change = {};
      if (s.boxShadow !== "none") {
        const layers = s.boxShadow.split(/,(?![^(]*\))/).filter(layer => /inset/.test(layer));
        change["box-shadow"] = layers.join(",") || "none";
      }
      if (s.textShadow !== "none") change["text-shadow"] = "none";
      if (s.outlineStyle !== "none") change["outline-style"] = "none";
      if (s.filter.includes("drop-shadow")) change.filter = "none";
      if (Object.keys(change).length) wanted.push([element, change]);
    }
    for (const [element, change] of wanted) set(element, change);
    for (const root of new Set([document, ...wanted.map(([element]) => element.getRootNode())])) {
      const sheet = new (root.defaultView ?? root.ownerDocument.defaultView).CSSStyleSheet();
      sheet.replaceSync("::-webkit-slider-thumb{box-shadow:none!important}"); // no element bears it
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
      plain.push([root, sheet]);
    }
    stripped = touched;
    touched = new Map();
    return wanted.length;
  }

  // Gives the page its shadows back.
  function finish() {
    putBack(stripped);
    for (const [root, sheet] of plain.splice(0)) root.adoptedStyleSheets = [...root.adoptedStyleSheets].filter(other => other !== sheet);
    return true;
  }

  // What a mark paints itself: its parts, and in them whatever bears no mark of its own. [own elements, marked elements right below]
  function ownOf(id) {
    const {element, targets} = screenry.labelled(id);
    const own = new Set(), below = new Set();
    const walk = at => {
      if (own.has(at)) return;
      own.add(at);
      for (const child of elementsIn(at)) {
        if (child.hasAttribute("data-c")) below.add(child);
        else walk(child);
      }
    };
    walk(element);
    for (const target of targets) walk(target.element);
    return [own, below];
  }

  function vanish(part) {
    set(part, {visibility: "hidden"});
    if (part.type === "range") set(part, {opacity: "0"}); // a sheet may let the track fade, which takes its time
  }

  function hide(id) {
    const {element} = screenry.labelled(id);
    const [own, below] = ownOf(id);
    if (TEXT.has(element.dataset.c)) {
      const kept = [...below].map(child => [child, styleOf(child)]).map(([child, s]) => [child, s.webkitTextFillColor, s.textDecorationColor]);
      for (const part of own) {
        set(part, {"-webkit-text-fill-color": "transparent", "-webkit-text-stroke-color": "transparent", "text-decoration-color": "transparent", "text-emphasis-color": "transparent"});
        if (part.ownerSVGElement) set(part, {"fill-opacity": "0", "stroke-opacity": "0"});
      }
      for (const [child, fill, line] of kept) set(child, {"-webkit-text-fill-color": fill, "text-decoration-color": line});
      return true;
    }
    const kept = [...below].map(child => [child, styleOf(child).visibility]);
    for (const part of own) vanish(part);
    for (const [child, visibility] of kept) set(child, {visibility});
    return true;
  }

  // With all that stands in it.
  function hideWhole(id) {
    const walk = at => {
      vanish(at);
      for (const child of elementsIn(at)) walk(child);
    };
    const {element, targets} = screenry.labelled(id);
    walk(element);
    for (const target of targets) if (!element.contains(target.element)) walk(target.element);
    return true;
  }

  // The lines between cells that share them belong to the table: a cell cannot take its own away.
  function hideEdges(id) {
    const table = screenry.labelled(id).element.closest("table");
    if (!table || styleOf(table).borderCollapse !== "collapse") return false;
    for (const part of [table, ...table.querySelectorAll("tr,td,th,thead,tbody")]) set(part, {"border-color": "transparent"});
    return true;
  }

  // Fills the border boxes that make the label, emptied of what stands in them.
  function recolour(id, colour) {
    const {targets} = screenry.labelled(id);
    const fill = {"background-color": colour, "background-image": `linear-gradient(${colour},${colour})`, "background-size": "auto", "background-clip": "border-box",
      "border-color": colour, "box-shadow": "none", visibility: "visible"};
    const empty = at => { for (const child of elementsIn(at)) { set(child, {visibility: "hidden"}); empty(child); } };
    for (const {element, pseudo} of targets) {
      if (element.localName === "tr" && !pseudo) { // a row's background is painted in its cells, if they are visible
        for (const cell of element.cells) {
          empty(cell);
          set(cell, fill);
        }
      } else empty(element);
      if (!pseudo) {
        set(element, fill);
        if (element.localName === "progress") for (const part of ["bar", "value"]) fillPart(element, `::-webkit-progress-${part}`, fill);
        continue;
      }
      fillPart(element, pseudo, fill);
    }
    return true;
  }

  // What only a style sheet reaches.
  function fillPart(element, pseudo, fill) {
    const sheet = new element.ownerDocument.defaultView.CSSStyleSheet();
    element.setAttribute("data-audited", "");
    sheet.replaceSync(`[data-audited]${pseudo}{${Object.entries(fill).map(([property, value]) => `${property}:${value}!important`).join(";")}}`);
    const root = element.getRootNode();
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    rules.push([element, sheet]);
  }

  const seen = colour => colour !== "transparent" && !/[,/] *0\)$/.test(colour);

  function framed(element, pseudo) {
    const s = styleOf(element, pseudo);
    if (/^(img|video|canvas|svg|iframe|embed|object|progress|meter)$/.test(element.localName) && !pseudo) return true;
    if (/^(input|select|textarea|button)$/.test(element.localName) && !pseudo && s.appearance !== "none" && s.backgroundImage === "none") {
      if (/^(checkbox|radio|range|color)$/.test(element.type)) return true;
    }
    if (seen(s.backgroundColor) || s.backgroundImage !== "none" || /inset/.test(s.boxShadow)) return true;
    return ["Top", "Right", "Bottom", "Left"].every(side => parseFloat(s[`border${side}Width`]) > 0 && s[`border${side}Style`] !== "none" && seen(s[`border${side}Color`]));
  }

  // "text"; "frame" if a background, a border all around or a picture fills the box; "open" if not. Told from styles, never from the label.
  function paintOf(id) {
    const {element, targets} = screenry.labelled(id);
    if (TEXT.has(element.dataset.c)) return "text";
    if (targets.some(({element: part, pseudo}) => framed(part, pseudo))) return "frame";
    const outer = targets[0].element.getBoundingClientRect();
    const [own] = ownOf(id);
    for (const part of own) {
      const inner = part.getBoundingClientRect();
      const fills = Math.abs(inner.left - outer.left) <= 1 && Math.abs(inner.top - outer.top) <= 1 && Math.abs(inner.right - outer.right) <= 1 && Math.abs(inner.bottom - outer.bottom) <= 1;
      if (fills && framed(part, null)) return "frame";
    }
    return "open";
  }

  return {prepare, finish, hide, hideWhole, hideEdges, recolour, restore, paintOf};
})();
