// Reads the labels of the page that is shown. An element that carries data-c="<class>" is labelled; everything else is layout.
// All numbers are CSS pixels of the viewport.
//
// What a label is:
// * Marks are found in the page, in open shadow roots and in frames of the same origin. Parents, clipping and order follow the flat tree (what is
//   slotted stands in its slot, a shadow root in its host, a frame's page in the frame).
// * The box of a control or container is its border box; shadows, outlines and focus rings lie outside it. The box of a text, link or heading is that of
//   the ink of its own text: glyphs and underline of every line. Charts, icons and pictures that are drawn (SVG, canvas, icon font) have the box of the drawing.
// * data-box="<selector>" on a mark says that the painted part is something else: the union of what the selector matches inside the mark, `>>>` enters a
//   shadow root, a leading `+` looks among the siblings, and a final ::before or ::after means the pseudo-element:
//   data-box="::before", data-box="+ label::before", data-box=">>> .control". A selector that finds nothing is an error.
// * data-icon="<concept>" on a mark, or on an unmarked part of it, says what its pictogram shows.
// * visible_fraction is the share of the full box that is neither clipped away nor under something opaque. What is visible by less than `minVisible` is
//   dropped. A cover from COVERING on is opaque; under a fainter one (a dialog's backdrop) an element keeps its label and is not reachable.
// * Not labelled: display none, visibility hidden, opacity 0, content that is skipped or clipped to nothing (visually hidden).
//   Labelled, but not reachable: inert or disabled elements. aria-hidden ones have no name and no role.
// * Name and role are Chromium's own (the flag and the protocol domain that open them are in browser.py).
window.screenry = (() => {
  const TEXT = new Set(["text", "link", "heading"]); // boxes tight around the ink, not around the line
  const DRAWN = new Set(["icon", "chart", "image"]); // boxes tight around the drawing
  const FIELDS = new Set(["INPUT", "TEXTAREA", "SELECT"]);
  const COVERING = 0.7; // from this opacity on, what lies below cannot be read (a dialog's backdrop has 0.5, a toast 0.85)
  const UNREADABLE = 6; // from this radius on (CSS pixels), a blurring pane leaves colours of what lies below, no shapes
  const MAGNIFY = 8; // the canvas rounds ink extents to whole pixels: measured at eight times the size, they are exact to an eighth
  const FAINT = 0.3; // of a glyph that reaches no farther into view (CSS pixels), nothing can be made out
  const SLIVER = 1.5; // nothing this thin is an element: it is how pages hide text from the eye

  // ---- labelling ------------------------------------------------------------------------------------------------------------------------

  // What one call of annotate remembers, so that a page is asked once: styles, and per element the linear part of its transform and its clip.
  let styles, linears, opacities, frames, brushes, probes, childOrders;

  function annotate(minVisible) {
    if (!("computedName" in Element.prototype)) throw new Error("names and roles need Chromium's --enable-blink-features=ComputedAccessibilityInfo");
    [styles, linears, opacities, frames, brushes, probes, childOrders] = Array.from({length: 7}, () => new Map());
    const viewport = [0, 0, innerWidth, innerHeight];
    const out = [];
    const ids = new Map();
    const marks = marksIn(document, []).map(element => ({element, targets: targetsOf(element)}));
    placeProbes(marks);
    for (const mark of marks) measure(mark, viewport);
    removeProbes();
    const seen = marks.filter(mark => mark.full && mark.box);
    for (const mark of seen) mark.origin = mark.targets[0].element;
    sample(seen);
    const covers = [...new Set(seen.flatMap(mark => [...mark.covers]))];
    const trimmed = [];
    for (const mark of seen) {
      if (!mark.covers.size) continue;
      const rest = trim(mark.box, mark.covers);
      if (area(rest) < area(mark.box)) {
        mark.trimmed = true;
        mark.box = area(rest) > 0 ? leftOf(mark, rest) : rest;
        if (isSeen(mark.box)) trimmed.push(mark);
        else mark.uncovered = 0;
      }
    }
    sample(trimmed);
    sampleBetween(seen, covers);
    for (const mark of [...marks].reverse()) mark.unseen = !mark.full || !mark.box || mark.uncovered === 0 || isBlank(mark, marks);
    for (const {element, full, box, uncovered, reachable, unseen} of seen) {
      const visible = (area(box) / area(full)) * uncovered;
      if (unseen || visible < minVisible) continue;
      ids.set(element, out.length);
      out.push({element, id: out.length, class_name: element.dataset.c, box, visible_fraction: visible, reachable});
    }
    // The accessibility tree is asked last, in one go: a layout in between would make each answer build it again.
    for (const entry of out) {
      const {element} = entry, spoken = speakerOf(element);
      const inTree = !flatClosest(element, "[aria-hidden=true], [inert]");
      entry.name = inTree ? squeeze(spoken.computedName) : "";
      entry.role = inTree ? roleOf(spoken) : null;
      entry.spoken = spoken;
    }
    for (const entry of out) {
      const {element, spoken} = entry;
      const disabled = isDisabled(element) || (spoken !== element && isDisabled(spoken));
      entry.text = textOf(element, spoken);
      entry.icon = iconOf(element);
      entry.states = statesOf(element, spoken, disabled);
      entry.reachable = entry.reachable > 0.5 && !disabled && !flatClosest(element, "[inert]");
      delete entry.spoken;
    }
    for (const entry of out) {
      let above = flatParent(entry.element);
      while (above && !ids.has(above)) above = flatParent(above);
      entry.parent = above ? ids.get(above) : null;
      entry.order = paintOrder(entry.element);
    }
    const painted = [...out].sort((a, b) => compare(a.order, b.order));
    painted.forEach((entry, z) => { entry.z = z; });
    const byElement = new Map(marks.map(mark => [mark.element, mark]));
    labelled = out.map(({element}) => {
      const {targets, full, trimmed: isTrimmed, uncovered} = byElement.get(element);
      return {element, targets, full, covered: Boolean(isTrimmed) || uncovered < 1};
    });
    for (const entry of out) { delete entry.element; delete entry.order; }
    return out;
  }

  let labelled = []; // the marks of the last annotate, by id, for audit.js: {element, targets: [{element, pseudo}], full, covered}

  function style(element) {
    let found = styles.get(element);
    if (!found) styles.set(element, (found = element.ownerDocument.defaultView.getComputedStyle(element)));
    return found;
  }

  // ---- the flat tree --------------------------------------------------------------------------------------------------------------------

  function flatParent(node) {
    if (node.assignedSlot) return node.assignedSlot;
    const above = node.parentNode;
    if (!above || above.nodeType === Node.ELEMENT_NODE) return above;
    return above.host ?? above.defaultView?.frameElement ?? null;
  }

  // Some libraries hide from scripts what they draw into an element without a shadow root.
  const nativeChildren = Object.getOwnPropertyDescriptor(Node.prototype, "childNodes").get;

  function flatChildren(element) {
    if (element.shadowRoot) return nativeChildren.call(element.shadowRoot);
    if (element.localName === "slot") {
      const assigned = element.assignedNodes();
      if (assigned.length) return assigned;
    }
    return nativeChildren.call(element);
  }

  function flatContains(a, b) {
    if (a.contains(b)) return true;
    if (a.getRootNode() === b.getRootNode()) return false;
    let at = b;
    while (at && at !== a) at = flatParent(at);
    return at === a;
  }

  const related = (a, b) => flatContains(a, b) || flatContains(b, a);

  function flatClosest(element, selector) {
    for (let at = element; at; at = at.getRootNode().host ?? at.ownerDocument.defaultView.frameElement) {
      const found = at.closest(selector);
      if (found) return found;
    }
    return null;
  }

  function marksIn(root, out) {
    for (const element of root.querySelectorAll("*")) {
      if (element.hasAttribute("data-c")) out.push(element);
      if (element.shadowRoot) marksIn(element.shadowRoot, out);
      else if (element.localName === "iframe" && element.contentDocument) marksIn(element.contentDocument, out);
    }
    return out;
  }

  // The texts that are painted by a mark itself; those of marks inside belong to them.
  function ownTexts(element, out = []) {
    for (const node of flatChildren(element)) {
      if (node.nodeType === Node.TEXT_NODE) {
        if (/\S/.test(node.data)) out.push({node, parent: element.localName === "slot" ? flatParent(node) : element});
      } else if (node.nodeType === Node.ELEMENT_NODE && !node.hasAttribute("data-c") && !unseen(node)) ownTexts(node, out);
    }
    return out;
  }

  // Hidden from the eye though laid out: clipped to a pixel, or not painted. (display: none has no boxes anyway.)
  function unseen(element) {
    if (/^(script|style|template|option)$/.test(element.localName)) return true;
    const s = style(element);
    if (s.visibility !== "visible" || s.opacity === "0" || s.display === "none") return true;
    if (s.position === "static" && s.overflowX === "visible") return false;
    const rect = element.getBoundingClientRect();
    return (s.overflowX !== "visible" && Math.min(rect.width, rect.height) <= SLIVER) || /^rect\(0px,? 0px,? 0px,? 0px\)$/.test(s.clip) || s.clipPath === "inset(50%)";
  }

  // ---- where a mark is painted ----------------------------------------------------------------------------------------------------------

  // The parts that make a mark's box: itself, or what its data-box names; [{element, pseudo}].
  function targetsOf(element) {
    const spec = element.dataset.box;
    if (spec === undefined) {
      const fontIcon = element.dataset.c === "icon" && !element.childNodes.length && /^["']./.test(getComputedStyle(element, "::before").content);
      return [{element, pseudo: fontIcon ? "::before" : null}];
    }
    const [, path, pseudo = null] = spec.trim().match(/^(.*?)\s*(::before|::after)?$/s);
    let scopes = [element];
    for (const [i, step] of path.split(">>>").entries()) {
      if (i) scopes = scopes.map(scope => scope.shadowRoot).filter(Boolean);
      const selector = step.trim();
      if (selector.startsWith("+")) scopes = [...element.parentNode.children].filter(near => near !== element && near.matches(selector.slice(1))).slice(0, 1);
      else if (selector) scopes = scopes.flatMap(scope => [...scope.querySelectorAll(selector)]);
    }
    scopes = scopes.filter(found => found.getClientRects().length || found === element || !element.getClientRects().length);
    if (!scopes.length) throw new Error(`data-box="${spec}" of <${element.localName} data-c="${element.dataset.c}"> finds nothing`);
    return scopes.map(found => ({element: found, pseudo}));
  }

  // Sets a mark's full box and the part of it that is not clipped away (absent if nothing of it can be seen).
  function measure(mark, viewport) {
    const c = mark.element.dataset.c;
    for (const target of mark.targets) {
      const {element} = target;
      if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true})) continue;
      const full = target.probe ? boxOfProbe(target.probe) : TEXT.has(c) ? inkBox(element) : DRAWN.has(c) ? drawingBox(element) : paintedBox(element);
      if (!full || full[2] - full[0] <= SLIVER || full[3] - full[1] <= SLIVER) continue;
      mark.full = union(mark.full, full);
      const clip = clipBox(element, TEXT.has(c) || Boolean(target.probe), viewport);
      let clipped = intersect(full, clip);
      // A line that is cut off may lose the only letters that reach far up or down, and the widest line may be out of sight.
      if (area(clipped) > 0 && area(clipped) < area(full) && !target.probe) {
        if (TEXT.has(c)) clipped = inkBox(element, clip) ?? [0, 0, 0, 0];
        else if (DRAWN.has(c)) clipped = intersect(drawingBox(element, clip) ?? [0, 0, 0, 0], clip);
      }
      if (isSeen(clipped)) mark.box = union(mark.box, clipped);
    }
  }

  const isSeen = box => box[2] - box[0] > SLIVER && box[3] - box[1] > SLIVER;

  // What is left of a mark's box where a cover took one end of it away: as tight around the rest of its ink as the whole was.
  function leftOf({element, targets}, rest) {
    const c = element.dataset.c;
    if ((!TEXT.has(c) && !DRAWN.has(c)) || targets.some(({probe}) => probe)) return rest;
    const boxOf = TEXT.has(c) ? inkBox : drawingBox;
    return intersect(targets.reduce((box, target) => union(box, boxOf(target.element, rest)), null) ?? [0, 0, 0, 0], rest);
  }

  // Pseudo-elements have no geometry of their own in scripts. A real element with the same style takes their place while everything is measured; no frame
  // is painted meanwhile.
  const COPIED = (
    "display position float clear box-sizing width height min-width min-height max-width max-height margin-top margin-right margin-bottom margin-left " +
    "padding-top padding-right padding-bottom padding-left border-top-width border-right-width border-bottom-width border-left-width border-top-style " +
    "border-right-style border-bottom-style border-left-style top right bottom left vertical-align align-self justify-self order flex-grow flex-shrink " +
    "flex-basis grid-area transform transform-origin rotate scale translate font-family font-size font-weight font-style line-height letter-spacing " +
    "text-transform white-space text-indent overflow-x overflow-y zoom"
  ).split(" ");

  function placeProbes(marks) {
    for (const {targets} of marks) {
      for (const target of targets) {
        if (!target.pseudo) continue;
        const {element, pseudo} = target, drawn = element.ownerDocument.defaultView.getComputedStyle(element, pseudo);
        if (drawn.content === "none" || drawn.display === "none") continue;
        const probe = element.ownerDocument.createElement("span");
        for (const property of COPIED) probe.style.setProperty(property, drawn.getPropertyValue(property), "important");
        const words = drawn.content.match(/^"(.*)"$/s);
        if (words && words[1]) probe.textContent = JSON.parse(`"${words[1].replace(/\\(?!["\\])/g, "\\\\")}"`);
        target.probe = probe;
        probes.set(probe, pseudo);
      }
    }
    for (const {targets} of marks) {
      for (const {element, pseudo, probe} of targets) {
        if (!probe) continue;
        const root = element.getRootNode();
        if (![...root.adoptedStyleSheets].some(sheet => sheet.screenryProbes)) {
          const sheet = new element.ownerDocument.defaultView.CSSStyleSheet();
          sheet.replaceSync("[data-probed='::before']::before,[data-probed='::after']::after{display:none!important}");
          sheet.screenryProbes = true;
          root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
        }
        element.setAttribute("data-probed", pseudo);
        const inside = element.shadowRoot ?? element;
        if (pseudo === "::before") inside.prepend(probe);
        else inside.append(probe);
      }
    }
  }

  function removeProbes() {
    for (const probe of probes.keys()) {
      const host = probe.parentNode.host ?? probe.parentNode, root = host.getRootNode();
      host.removeAttribute("data-probed");
      probe.remove();
      root.adoptedStyleSheets = [...root.adoptedStyleSheets].filter(sheet => !sheet.screenryProbes);
    }
  }

  const boxOfProbe = probe => (probe.textContent ? inkBox(probe) : rectOf(probe));

  // ---- geometry -------------------------------------------------------------------------------------------------------------------------

  const toBox = rect => [rect.left, rect.top, rect.right, rect.bottom];
  const area = box => Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
  const intersect = (a, b) => [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
  const union = (a, b) => (a && b ? [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])] : a || b || null);

  // Where the page of a frame lies in the window: x = frame.x + inner x * frame.sx.
  function frameOf(page) {
    const frame = page.defaultView.frameElement;
    if (page === document || !frame) return {x: 0, y: 0, sx: 1, sy: 1};
    let found = frames.get(page);
    if (!found) {
      const rect = rectOf(frame), s = style(frame);
      const sx = (rect[2] - rect[0]) / (frame.offsetWidth || 1), sy = (rect[3] - rect[1]) / (frame.offsetHeight || 1);
      found = {x: rect[0] + (px(s.borderLeftWidth) + px(s.paddingLeft)) * sx, y: rect[1] + (px(s.borderTopWidth) + px(s.paddingTop)) * sy, sx, sy};
      frames.set(page, found);
    }
    return found;
  }

  const px = length => parseFloat(length) || 0;

  function inWindow(box, page) {
    if (page === document) return box;
    const {x, y, sx, sy} = frameOf(page);
    return [x + box[0] * sx, y + box[1] * sy, x + box[2] * sx, y + box[3] * sy];
  }

  const rectOf = element => inWindow(toBox(element.getBoundingClientRect()), element.ownerDocument);

  // The linear part [a, b, c, d] of what maps an element's own coordinates to the window's. The place follows from client rectangles: the centre of a
  // rectangle stays the centre of its bounding box under every affine map.
  function linearOf(element) {
    let found = linears.get(element);
    if (found) return found;
    const above = flatParent(element);
    const outer = above ? linearOf(above) : [1, 0, 0, 1];
    if (element.ownerSVGElement && element.getScreenCTM) {
      const m = element.getScreenCTM(), {sx, sy} = frameOf(element.ownerDocument);
      found = [m.a * sx, m.b * sy, m.c * sx, m.d * sy];
    } else {
      const s = style(element);
      found = outer;
      if (s.rotate !== "none" && /^[-\d.]+deg$/.test(s.rotate)) found = times(found, new DOMMatrix(`rotate(${s.rotate})`));
      if (s.scale !== "none") found = times(found, new DOMMatrix(`scale(${s.scale.split(" ").slice(0, 2).join(",")})`));
      if (s.transform !== "none") found = times(found, new DOMMatrix(s.transform));
    }
    linears.set(element, found);
    return found;
  }

  const times = ([a, b, c, d], m) => [a * m.a + c * m.b, b * m.a + d * m.b, a * m.c + c * m.d, b * m.c + d * m.d];

  // A border box; of a picture that keeps its proportions inside it, the picture.
  function paintedBox(element) {
    if (style(element).display === "contents") return [...flatChildren(element)].filter(node => node.nodeType === 1).reduce((box, child) => union(box, paintedBox(child)), null);
    const rect = rectOf(element);
    if (element.localName === "input" && element.type === "range") return trackBox(element, rect);
    if (element.localName !== "img" || !element.naturalWidth) return rect;
    const s = style(element);
    if (!/^(contain|scale-down|none)$/.test(s.objectFit) || opaqueColour(s.backgroundColor) > 0) return rect;
    const inner = paddingBox(element, rect), width = inner[2] - inner[0], height = inner[3] - inner[1];
    let share = Math.min(width / element.naturalWidth, height / element.naturalHeight);
    if (s.objectFit === "none" || (s.objectFit === "scale-down" && share > 1)) share = 1;
    const [w, h] = [element.naturalWidth * share, element.naturalHeight * share];
    const [px1, py1] = s.objectPosition.split(" ").map(part => (part.endsWith("%") ? parseFloat(part) / 100 : 0.5));
    const left = inner[0] + (width - w) * px1, top = inner[1] + (height - h) * py1;
    return intersect(inner, [left, top, left + w, top + h]);
  }

  // Of a native range input only track and thumb are painted, in the middle of the box. Scripts cannot see them; the style sheets say how tall they are.
  function trackBox(element, rect) {
    const s = style(element), upright = s.writingMode !== "horizontal-tb";
    if (opaqueColour(s.backgroundColor) > 0 && s.appearance === "none") return rect;
    const [, b, , d] = linearOf(element), scale = (Math.hypot(b, d) || 1) * (element.currentCSSZoom ?? 1);
    const heights = ["thumb", "runnable-track"].map(part => sliderHeight(element, part));
    const tall = Math.max(...heights.map(height => height ?? 0)) || 16; // the engine's own thumb is 16 pixels tall
    if (upright || tall * scale >= rect[3] - rect[1]) return rect;
    const middle = (rect[1] + rect[3]) / 2;
    return [rect[0], middle - (tall * scale) / 2, rect[2], middle + (tall * scale) / 2];
  }

  const sliderRules = new WeakMap(); // style sheet -> its rules for parts of range inputs

  function sliderHeight(element, part) {
    let height = null;
    const root = element.getRootNode();
    for (const sheet of [...(root.styleSheets ?? []), ...(root.adoptedStyleSheets ?? [])]) {
      if (sheet.disabled) continue;
      let rules = sliderRules.get(sheet);
      if (!rules || rules.length0 !== sheet.cssRules.length) {
        rules = rulesIn(sheet.cssRules, []);
        rules.length0 = sheet.cssRules.length;
        sliderRules.set(sheet, rules);
      }
      for (const {selector, height: declared, part: about} of rules) if (about === part && declared && element.matches(selector)) height = lengthOf(element, declared) ?? height;
    }
    return height;
  }

  function rulesIn(rules, out) {
    for (const rule of rules) {
      if (rule.selectorText?.includes("::-webkit-slider-")) {
        for (const selector of rule.selectorText.split(",")) {
          const found = selector.match(/^(.*)::-webkit-slider-(thumb|runnable-track)\s*$/s);
          if (found) out.push({selector: found[1].trim() || "input", part: found[2], height: rule.style.height});
        }
      } else if (rule.cssRules?.length && (!rule.media || matchMedia(rule.media.mediaText).matches)) rulesIn(rule.cssRules, out);
    }
    return out;
  }

  // A CSS length in pixels, as it would be in an element.
  function lengthOf(element, length) {
    const plain = length.match(/^([\d.]+)(px|rem|em)$/);
    if (plain) return Number(plain[1]) * {px: 1, rem: px(style(document.documentElement).fontSize), em: px(style(element).fontSize)}[plain[2]];
    const own = length.match(/^var\((--[\w-]+)/);
    if (own) return lengthOf(element, style(element).getPropertyValue(own[1]).trim());
    return null;
  }

  function paddingBox(element, rect = rectOf(element)) {
    const s = style(element), zoom = element.currentCSSZoom ?? 1, [a, b, c, d] = linearOf(element);
    const sx = Math.hypot(a, b) * zoom, sy = Math.hypot(c, d) * zoom;
    return [
      rect[0] + px(s.borderLeftWidth) * sx, rect[1] + px(s.borderTopWidth) * sy,
      rect[2] - px(s.borderRightWidth) * sx, rect[3] - px(s.borderBottomWidth) * sy,
    ];
  }

  // Whether a box holds even its fixed descendants.
  const holdsFixed = s =>
    s.transform !== "none" || s.filter !== "none" || s.perspective !== "none" || s.rotate !== "none" || s.scale !== "none" || s.translate !== "none" ||
    (s.backdropFilter ?? "none") !== "none" || /paint|layout|strict|content/.test(s.contain) || /transform|filter|perspective/.test(s.willChange);

  const inTopLayer = element => element.matches(":modal, :popover-open");

  // What crops an element: the viewport and every box up its chain of containing blocks that hides or scrolls its overflow.
  function clipBox(element, cropsItself, viewport) {
    let clip = viewport;
    let position = style(element).position;
    if (cropsItself) clip = cropped(element, clip);
    else clip = cutOut(element, clip);
    if (inTopLayer(element)) return clip;
    for (let above = flatParent(element); above; above = flatParent(above)) {
      if (above.localName === "iframe") {
        clip = intersect(clip, paddingBox(above));
        position = style(above).position;
        continue;
      }
      if (above.localName === "html" || above.localName === "body") continue; // theirs is the viewport's
      if (above.localName === "slot" && style(above).display === "contents") continue;
      const s = style(above);
      if ((position === "fixed" || (position === "absolute" && s.position === "static")) && !holdsFixed(s)) continue;
      clip = cropped(above, clip);
      if (inTopLayer(above)) return clip;
      position = s.position;
    }
    return clip;
  }

  function cropped(element, clip) {
    const s = style(element);
    const paint = /paint|strict|content/.test(s.contain);
    const acrossX = paint || s.overflowX !== "visible", acrossY = paint || s.overflowY !== "visible";
    if ((acrossX || acrossY) && s.display !== "inline" && s.display !== "contents") {
      const inner = paddingBox(element);
      clip = [acrossX ? Math.max(clip[0], inner[0]) : clip[0], acrossY ? Math.max(clip[1], inner[1]) : clip[1],
              acrossX ? Math.min(clip[2], inner[2]) : clip[2], acrossY ? Math.min(clip[3], inner[3]) : clip[3]];
    }
    return cutOut(element, clip);
  }

  // clip-path: inset() and the old clip: rect(); other shapes are taken for their bounding box, which is the element's.
  function cutOut(element, clip) {
    const s = style(element);
    const inset = s.clipPath !== "none" && s.clipPath.match(/^inset\(([^)]*?)(?: round .*)?\)$/);
    if (inset) {
      const rect = rectOf(element), [a, b, c, d] = linearOf(element);
      const sides = inset[1].split(" "), side = [sides[0], sides[1] ?? sides[0], sides[2] ?? sides[0], sides[3] ?? sides[1] ?? sides[0]];
      const off = (length, whole, scale) => (length.endsWith("%") ? (parseFloat(length) / 100) * whole : px(length) * scale);
      const w = rect[2] - rect[0], h = rect[3] - rect[1], sx = Math.hypot(a, b), sy = Math.hypot(c, d);
      clip = intersect(clip, [rect[0] + off(side[3], w, sx), rect[1] + off(side[0], h, sy), rect[2] - off(side[1], w, sx), rect[3] - off(side[2], h, sy)]);
    }
    const old = s.position === "absolute" || s.position === "fixed" ? s.clip.match(/^rect\((.*)\)$/) : null;
    if (old) {
      const rect = rectOf(element), [top, right, bottom, left] = old[1].split(/[ ,]+/).map((length, i) => (length === "auto" ? [0, 1e6, 1e6, 0][i] : px(length)));
      clip = intersect(clip, [rect[0] + left, rect[1] + top, rect[0] + right, rect[1] + bottom]);
    }
    return clip;
  }

  // ---- drawings -------------------------------------------------------------------------------------------------------------------------

  const SHAPES = "path,circle,ellipse,line,polyline,polygon,rect,use,text,image,foreignObject";

  // The ink of an icon, chart or picture (of the part within a clip, if there is one): the shapes of an SVG, the painted pixels of a canvas, the glyphs of an icon font; else the border box.
  function drawingBox(element, within = null) {
    const rect = paintedBox(element);
    const s = style(element);
    if (opaqueColour(s.backgroundColor) > 0 || s.backgroundImage !== "none" || px(s.borderTopWidth) > 0) return rect;
    const drawings = element.localName === "svg" || element.localName === "canvas" ? [element] : [...deepAll(element, "svg,canvas")];
    if (drawings.length) return drawings.reduce((box, drawing) => union(box, drawing.localName === "svg" ? shapesBox(drawing, within) : pixelsBox(drawing, within)), null);
    if (element.ownerSVGElement) return shapesBox(element, within);
    return (ownTexts(element).length && inkBox(element, within)) || rect;
  }

  function* deepAll(root, selector) {
    yield* root.querySelectorAll(selector);
    for (const element of [root, ...root.querySelectorAll("*")]) if (element.shadowRoot) yield* deepAll(element.shadowRoot, selector);
  }

  function shapesBox(svg, within) {
    let box = null;
    const outer = svg.ownerSVGElement ?? svg, own = style(outer).overflowX === "visible" ? null : rectOf(outer);
    const clip = own && within ? intersect(own, within) : (own ?? within);
    const add = shape => {
      const seen = shape && clip ? intersect(shape, clip) : shape;
      if (seen && (!clip || area(seen) > 0)) box = union(box, seen);
    };
    for (const shape of svg.matches(SHAPES) ? [svg] : svg.querySelectorAll(SHAPES)) {
      if (shape.closest("defs,clipPath,mask,symbol,pattern,marker") || (shape.localName !== "use" && shape.ownerSVGElement.closest("defs"))) continue;
      const s = style(shape);
      const stroked = s.stroke !== "none" && px(s.strokeWidth) > 0 && s.strokeOpacity !== "0" && opaqueColour(s.stroke) > 0;
      const filled = s.fill !== "none" && s.fillOpacity !== "0" && opaqueColour(s.fill) > 0;
      if (s.visibility !== "visible" || s.display === "none" || s.opacity === "0") continue;
      if (/^(text|foreignObject|image)$/.test(shape.localName)) {
        add(shape.localName === "text" ? inkBox(shape) : rectOf(shape));
        continue;
      }
      if (!stroked && !filled && shape.localName !== "use") continue;
      let [x1, y1, x2, y2] = rectOf(shape);
      if (x1 === x2 && y1 === y2 && !(stroked && s.strokeLinecap !== "butt")) continue;
      if (stroked || shape.localName === "use") {
        const [a, b, c, d] = s.vectorEffect === "non-scaling-stroke" ? [1, 0, 0, 1] : linearOf(shape);
        const half = stroked ? (px(s.strokeWidth) / 2) * Math.sqrt(Math.abs(a * d - b * c)) : 0;
        // A straight line with butt ends is no longer for its stroke, only thicker.
        const butt = s.strokeLinecap === "butt";
        const across = butt && y1 === y2 ? 0 : half, along = butt && x1 === x2 ? 0 : half;
        [x1, y1, x2, y2] = [x1 - across, y1 - along, x2 + across, y2 + along];
      }
      add([x1, y1, x2, y2]);
      if (clip && box && area(box) === area(clip)) break; // a picture's ground is its first shape
    }
    return box && inked(box);
  }

  function pixelsBox(drawing, within) {
    const rect = rectOf(drawing), {width, height} = drawing;
    const small = document.createElement("canvas");
    const share = Math.min(1, 512 / Math.max(width, height, 1));
    [small.width, small.height] = [Math.max(1, Math.round(width * share)), Math.max(1, Math.round(height * share))];
    const brush = small.getContext("2d", {willReadFrequently: true});
    const sx = (rect[2] - rect[0]) / small.width, sy = (rect[3] - rect[1]) / small.height;
    if (within) {
      const [x1, y1, x2, y2] = intersect(rect, within);
      brush.rect((x1 - rect[0]) / sx, (y1 - rect[1]) / sy, (x2 - x1) / sx, (y2 - y1) / sy);
      brush.clip();
    }
    brush.drawImage(drawing, 0, 0, small.width, small.height);
    const found = paintedPixels(brush, small.width, small.height, 8);
    if (!found) return null;
    return inked([rect[0] + found[0] * sx, rect[1] + found[1] * sy, rect[0] + found[2] * sx, rect[1] + found[3] * sy]);
  }

  function paintedPixels(brush, width, height, threshold) {
    const data = brush.getImageData(0, 0, width, height).data;
    let box = null;
    for (let y = 0, i = 3; y < height; y++) {
      for (let x = 0; x < width; x++, i += 4) {
        if (data[i] < threshold) continue;
        if (!box) box = [x, y, x + 1, y + 1];
        else { if (x < box[0]) box[0] = x; if (x >= box[2]) box[2] = x + 1; box[3] = y + 1; }
      }
    }
    return box;
  }

  // ---- ink of text ----------------------------------------------------------------------------------------------------------------------

  // The union of the inked extents of an element's own text. A line's rectangle runs from the font's ascent to its descent; the canvas knows how
  // far the glyphs of this very text reach from the baseline.
  function inkBox(element, clip = null) {
    let box = null;
    for (const {node, parent} of ownTexts(element)) {
      if (unseenText(parent)) continue;
      const font = fontOf(parent);
      for (const line of linesOf(node, parent, font)) {
        const left = clip ? leftOver(line, font, clip) : line;
        if (!left) continue;
        const ink = inWindow(inkOfLine(left, font), node.ownerDocument), seen = clip ? intersect(ink, clip) : ink;
        if (area(seen) > 0) box = union(box, seen);
      }
    }
    if (box) box = inked(box);
    return box && clip ? intersect(box, clip) : box;
  }

  const unseenText = parent => { const s = style(parent); return s.visibility !== "visible" || s.opacity === "0" || px(s.fontSize) === 0; };

  // How an element's text is set: its canvas, its font at layout size, its linear map within its own page, and where its underline lies.
  function fontOf(parent) {
    const s = style(parent), page = parent.ownerDocument;
    const frame = frameOf(page), whole = linearOf(parent), zoom = parent.currentCSSZoom ?? 1;
    const linear = [whole[0] / frame.sx, whole[1] / frame.sy, whole[2] / frame.sx, whole[3] / frame.sy];
    const key = [s.fontStyle, s.fontVariantCaps, s.fontWeight, s.fontSize, s.fontFamily, s.fontStretch, s.letterSpacing, s.wordSpacing, s.direction, zoom, parent.lang].join("|");
    let brush = brushes.get(page);
    if (!brush) {
      const context = page.createElement("canvas").getContext("2d");
      context.textRendering = "geometricPrecision"; // as the pages have it (browser.py)
      context.textAlign = "left";
      brushes.set(page, (brush = {context, ascents: new Map(), key: null}));
    }
    const {context} = brush, size = px(s.fontSize) * zoom;
    const named = pixels => `${s.fontStyle} ${s.fontVariantCaps === "small-caps" ? "small-caps" : "normal"} ${s.fontWeight} ${pixels}px ${s.fontFamily}`;
    if (!brush.ascents.has(key)) {
      // Layout rounds ascent and descent to whole CSS pixels at the size that is used, so they are asked for there.
      context.font = named(size);
      const m = context.measureText("x");
      brush.ascents.set(key, {ascent: Math.round(m.fontBoundingBoxAscent), descent: Math.round(m.fontBoundingBoxDescent)});
      brush.key = null;
    }
    if (brush.key !== key) {
      context.font = named(size * MAGNIFY);
      context.letterSpacing = `${px(s.letterSpacing) * zoom * MAGNIFY}px`;
      context.wordSpacing = `${px(s.wordSpacing) * zoom * MAGNIFY}px`;
      context.direction = s.direction;
      context.fontStretch = STRETCHES[s.fontStretch] ?? "normal";
      context.lang = flatClosest(parent, "[lang]")?.lang ?? "";
      brush.key = key;
    }
    return {context, ...brush.ascents.get(key), size, linear, frame, transform: s.textTransform, named: named(size), lines: decorationOf(parent, zoom)};
  }

  const STRETCHES = {
    "50%": "ultra-condensed", "62.5%": "extra-condensed", "75%": "condensed", "87.5%": "semi-condensed", "112.5%": "semi-expanded", "125%": "expanded",
    "150%": "extra-expanded", "200%": "ultra-expanded",
  };

  // How far lines drawn at the text reach: below the baseline (underline), and whether there are any. Chromium's rule for `auto` thickness and offset.
  function decorationOf(parent, zoom) {
    for (let at = parent; at; at = flatParent(at)) {
      const s = style(at);
      if (s.textDecorationLine.includes("underline")) {
        const auto = !/px$/.test(s.textDecorationThickness);
        const thick = auto ? Math.max(1, (px(s.fontSize) * zoom) / 10) : Math.max(1, px(s.textDecorationThickness) * zoom);
        const fixed = /px$/.test(s.textUnderlineOffset), gap = fixed ? 0 : Math.max(1, Math.ceil(thick / 2));
        const line = /dotted|dashed/.test(s.textDecorationStyle) ? Math.ceil(thick) : Math.max(1, Math.floor(thick)); // a broken line lies between pixels
        const wide = s.textDecorationStyle === "double" ? 2 * line + 1 : s.textDecorationStyle === "wavy" ? 2 * line : line;
        return {below: gap + (fixed ? Math.round(px(s.textUnderlineOffset) * zoom) : 0) + wide};
      }
      if (s.textDecorationLine !== "none") return {below: 0};
      // Underlines are handed down within the flow only.
      if (/^(inline-block|inline-flex|inline-grid)$/.test(s.display) || s.float !== "none" || /absolute|fixed/.test(s.position) || at.hasAttribute("data-c")) return null;
    }
    return null;
  }

  function inkOfLine({text, rects, cut}, {context, ascent, descent, linear, frame, transform, named, size, lines}) {
    const written = transformed(text, transform) + (cut ? "…" : "");
    const ink = context.measureText(written);
    const [a, b, c, d] = linear;
    if (Math.abs(b) > 1e-3 || Math.abs(c) > 1e-3 || a <= 0 || d <= 0) return inkOfOblique(written, rects, {context, ascent, descent, linear, named, size, lines});
    const first = rects.reduce((found, rect) => Math.min(found, rect.left), Infinity), last = rects.reduce((found, rect) => Math.max(found, rect.right), -Infinity);
    const baseline = (snap(frame.y + (rects[0].top + ascent * d) * frame.sy) - frame.y) / frame.sy;
    const bearing = (ink.width - ink.actualBoundingBoxRight) / MAGNIFY;
    const dots = cut ? (context.measureText("…").width / MAGNIFY) * a : 0;
    const rtl = context.direction === "rtl";
    let box = [
      first - (rtl ? dots : 0) - (ink.actualBoundingBoxLeft / MAGNIFY) * a, baseline - (ink.actualBoundingBoxAscent / MAGNIFY) * d,
      last + (rtl ? 0 : dots) - bearing * a, baseline + (ink.actualBoundingBoxDescent / MAGNIFY) * d,
    ];
    if (lines) box = union(box, [first, baseline - 1, last, baseline + lines.below * d]);
    return box;
  }

  // The part of a line that a clip (in window coordinates) leaves at least partly visible: from the first to the last glyph that reaches into it.
  function leftOver(line, {context, ascent, linear: [a, b, c, d], frame: {x, y, sx, sy}, transform, lines}, clip) {
    if (line.cut || a <= 0 || d <= 0 || Math.abs(b) > 1e-3 || Math.abs(c) > 1e-3) return line;
    const {top, bottom, height} = line.rects[0];
    const left = Math.min(...line.rects.map(rect => rect.left)), right = Math.max(...line.rects.map(rect => rect.right));
    const from = Math.max(left, (clip[0] - x) / sx), to = Math.min(right, (clip[2] - x) / sx);
    if (from >= to) return null;
    const text = transformed(line.text, transform);
    const advance = part => (context.measureText(part).width / MAGNIFY) * a;
    const baseline = snap(y + (top + ascent * d) * sy);
    const reach = (part, below = -Infinity) => {
      const ink = context.measureText(part), scale = (d * sy) / MAGNIFY;
      return [baseline - ink.actualBoundingBoxAscent * scale, baseline + Math.max(ink.actualBoundingBoxDescent * scale, below * d * sy)];
    };
    const [highest, lowest] = reach(text, lines?.below);
    const cutAcross = highest < clip[1] || lowest > clip[3];
    if (from === left && to === right && !cutAcross) return line;
    if (line.rects.length > 1 && Math.abs(advance(text) - (right - left)) > 2) return line; // justified, or words in two directions
    const rtl = context.direction === "rtl", skipped = rtl ? right - to : from - left, reached = rtl ? right - from : to - left;
    let start = 0, end = text.length;
    while (start < end - 1 && advance(text.slice(0, start + 1)) <= skipped) start++;
    while (end > start + 1 && advance(text.slice(0, end - 1)) >= reached) end--;
    if (cutAcross && !(lines && baseline + lines.below * d * sy > clip[1] && baseline < clip[3])) {
      const out = at => { const [up, down] = reach(text[at]); return up > clip[3] - FAINT || down < clip[1] + FAINT || up === down; };
      while (start < end && out(start)) start++;
      while (end > start && out(end - 1)) end--;
      if (start === end) return null;
    }
    const before = advance(text.slice(0, start)), after = advance(text.slice(0, end));
    const rect = rtl ? {left: right - after, right: right - before, top, bottom, height} : {left: left + before, right: left + after, top, bottom, height};
    return {...line, text: text.slice(start, end), rects: [rect]};
  }

  // Turned or mirrored text: drawn aside under the same map, and its pixels looked at.
  function inkOfOblique(written, rects, {context, ascent, descent, linear, named, size, lines}) {
    const [a, b, c, d] = linear.map(value => value * devicePixelRatio);
    const rect = rects[0], width = context.measureText(written).width / MAGNIFY, height = ascent + descent;
    const centre = [((rect.left + rect.right) / 2) * devicePixelRatio, ((rect.top + rect.bottom) / 2) * devicePixelRatio];
    const reach = Math.ceil(Math.max(Math.abs(a) + Math.abs(c), Math.abs(b) + Math.abs(d)) * (Math.max(width, height) / 2 + size)) + 2;
    const left = Math.floor(centre[0]) - reach, top = Math.floor(centre[1]) - reach;
    const aside = document.createElement("canvas");
    aside.width = aside.height = 2 * reach;
    const brush = aside.getContext("2d", {willReadFrequently: true});
    brush.setTransform(a, b, c, d, centre[0] - left - (a * width + c * height) / 2, centre[1] - top - (b * width + d * height) / 2);
    for (const setting of ["textRendering", "direction", "fontStretch", "lang", "textAlign"]) brush[setting] = context[setting];
    brush.letterSpacing = `${parseFloat(context.letterSpacing) / MAGNIFY}px`;
    brush.wordSpacing = `${parseFloat(context.wordSpacing) / MAGNIFY}px`;
    brush.font = named;
    brush.fillText(written, 0, ascent);
    if (lines) brush.fillRect(0, ascent, width, lines.below);
    const found = paintedPixels(brush, aside.width, aside.height, 24);
    if (!found) return toBox(rect);
    return [left + found[0], top + found[1], left + found[2], top + found[3]].map(value => value / devicePixelRatio);
  }

  // Baselines are painted on whole device pixels; an inked pixel counts whole.
  const snap = y => Math.round(y * devicePixelRatio) / devicePixelRatio;
  const outwards = (x, side) => (side < 0 ? Math.floor(x * devicePixelRatio + 0.1) : Math.ceil(x * devicePixelRatio - 0.1)) / devicePixelRatio;
  const inked = box => [outwards(box[0], -1), outwards(box[1], -1), outwards(box[2], 1), outwards(box[3], 1)];

  // The painted lines of a text: [{text, rects, cut}]. Lines break between words, and in scripts without spaces within them.
  function linesOf(node, parent, font) {
    const range = node.ownerDocument.createRange();
    const rectsOf = (start, end) => {
      range.setStart(node, start);
      range.setEnd(node, end);
      return [...range.getClientRects()].filter(rect => rect.width > 0 || rect.height > 0);
    };
    const start = node.data.search(/\S/), end = node.data.trimEnd().length;
    const whole = rectsOf(start, end);
    if (!whole.length) return [];
    if (whole.length === 1) return [{text: squeeze(node.data), rects: whole}];
    const oblique = Math.abs(font.linear[1]) > 1e-3 || Math.abs(font.linear[2]) > 1e-3;
    // Where the line of a rectangle runs, across its own direction.
    const [a, b] = font.linear, length = Math.hypot(a, b) || 1;
    const place = rect => (a * (rect.top + rect.bottom) - b * (rect.left + rect.right)) / (2 * length);
    const lines = [];
    const add = (text, rects, spaced) => {
      const line = lines[lines.length - 1];
      if (line && !oblique && Math.abs(line.place - place(rects[0])) < 1) {
        line.text += (spaced ? " " : "") + text;
        line.rects.push(...rects);
      } else lines.push({text, rects: [...rects], place: place(rects[0])});
    };
    for (const word of node.data.matchAll(/\S+/g)) addWord(node, word.index, word.index + word[0].length, rectsOf, place, add, oblique);
    const block = blockOf(parent), own = block && flatContains(markOf(parent), block); // the ellipsis is painted by the block that cuts
    return clamped(truncated(lines, whole, font, place, own), block, own);
  }

  // text-overflow: ellipsis. The engine lists a cut line twice, as it would be and as far as it is shown.
  function truncated(lines, whole, {context, linear}, place, own) {
    for (const shown of whole) {
      const hidden = whole.find(rect => rect !== shown && rect.top === shown.top && rect.width > shown.width && (rect.left === shown.left || rect.right === shown.right));
      if (!hidden) continue;
      const line = lines.find(other => Math.abs(other.place - place(shown)) < 1);
      if (!line || line.shown) continue;
      let low = 0, high = line.text.length;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((context.measureText(line.text.slice(0, middle)).width / MAGNIFY) * linear[0] <= shown.width + 0.3) low = middle;
        else high = middle - 1;
      }
      Object.assign(line, {text: line.text.slice(0, low), rects: [shown], shown: true, cut: own});
    }
    return lines;
  }

  // line-clamp: the lines below are laid out and not painted, the last one shown ends in an ellipsis.
  function clamped(lines, block, own) {
    const clamp = block && style(block).webkitLineClamp;
    if (!clamp || clamp === "none" || block.scrollHeight <= block.clientHeight) return lines;
    const bottom = block.getBoundingClientRect().bottom;
    const shown = lines.filter(line => line.rects[0].top + line.rects[0].height / 2 < bottom);
    if (shown.length && shown.length < lines.length) shown[shown.length - 1].cut = own;
    return shown;
  }

  // A word on one line as it is; a broken one piece by piece, the breaks found by bisection over its characters.
  function addWord(node, start, end, rectsOf, place, add, oblique) {
    const rects = rectsOf(start, end);
    if (!rects.length) return;
    if (rects.every(rect => Math.abs(place(rect) - place(rects[0])) < 1)) {
      add(node.data.slice(start, end), rects, true);
      return;
    }
    const stops = [...graphemes.segment(node.data.slice(start, end))].map(piece => start + piece.index).concat(end);
    let from = 0;
    while (from < stops.length - 1) {
      const at = i => { const rect = rectsOf(stops[i], stops[i + 1])[0]; return rect ? place(rect) : null; };
      const here = at(from);
      let low = from + 1, high = stops.length - 1; // the first character of another line lies in low..high
      while (low < high) {
        const middle = (low + high) >> 1, there = at(middle);
        if (there === null || Math.abs(there - here) < 1) low = middle + 1;
        else high = middle;
      }
      const piece = rectsOf(stops[from], stops[low]);
      if (piece.length) add(node.data.slice(stops[from], stops[low]), piece.filter(rect => Math.abs(place(rect) - here) < 1 || oblique), from === 0);
      from = low;
    }
  }

  const graphemes = new Intl.Segmenter(undefined, {granularity: "grapheme"});

  function markOf(element) {
    let at = element;
    while (flatParent(at) && !at.hasAttribute("data-c")) at = flatParent(at);
    return at;
  }

  function blockOf(element) {
    let at = element;
    while (at && /^(inline|contents)$/.test(style(at).display)) at = flatParent(at);
    return at;
  }

  function transformed(text, how) {
    if (how === "uppercase") return text.toUpperCase();
    if (how === "lowercase") return text.toLowerCase();
    if (how === "capitalize") return text.replace(/(^|\s)\p{L}/gu, start => start.toUpperCase());
    return text;
  }

  // ---- what lies on top -----------------------------------------------------------------------------------------------------------------

  // For every mark: shares of sample points at which nothing opaque of another element lies above (uncovered), and nothing painted at all (reachable); and
  // the opaque elements that were met. A translucent element over the whole window (a backdrop) is lifted once it was met everywhere: asking for all that
  // lies at a point is slow.
  function sample(seen, gridOf = ({box: [x1, y1, x2, y2]}) => [places(x1, x2), places(y1, y2)]) {
    let points = [];
    for (const entry of seen) {
      Object.assign(entry, {uncovered: 0, reachable: 0, covers: new Set()});
      const [columns, rows] = gridOf(entry);
      for (const [x, across] of columns) for (const [y, along] of rows) points.push({entry, x, y, share: across * along, cover: 0});
    }
    const lifted = new Map();
    while (points.length) {
      const veiled = [], veils = new Set();
      for (const point of points) {
        const veil = look(point);
        if (veil && !lifted.has(veil)) {
          veils.add(veil);
          veiled.push(point);
        } else {
          if (point.cover < COVERING) point.entry.uncovered += point.share;
          if (point.cover < 0.1) point.entry.reachable += point.share;
        }
      }
      for (const veil of veils) {
        lifted.set(veil, veil.getAttribute("style"));
        veil.style.setProperty("pointer-events", "none", "important");
      }
      points = veiled;
    }
    for (const entry of seen) entry.uncovered = Math.round(entry.uncovered * 1e6) / 1e6; // the shares of all points sum to one
    for (const [veil, written] of lifted) {
      veil.setAttribute("style", written ?? ""); // removing it right away would leave an empty one: it is written lazily
      if (written === null) veil.removeAttribute("style");
    }
  }

  // Two or four places along a side and the share that each stands for; the outer ones close to the ends, where bars cover things.
  function places(from, to) {
    const length = to - from;
    if (length < 24) return [[from + Math.min(2, length / 4), 0.5], [to - Math.min(2, length / 4), 0.5]]; // a line of text, an icon
    const edge = Math.min(length / 8, Math.max(2.5, length / 32));
    const inner = length / 2 - edge, third = edge + inner * 0.65;
    const outer = (edge + third) / 2 / length;
    return [[from + edge, outer], [from + third, 0.5 - outer], [to - third, 0.5 - outer], [to - edge, outer]];
  }

  // Marks that a cover lies over in part are looked at once more, in the middle of every piece into which the edges of the covers cut them: exact.
  function sampleBetween(seen, covers) {
    const rects = covers.map(cover => [cover, rectOf(cover)]);
    const grids = new Map();
    for (const mark of seen) {
      if (!mark.uncovered) continue;
      const over = rects.filter(([cover, rect]) => area(intersect(rect, mark.box)) > 0 && !related(cover, mark.element)).map(([, rect]) => rect);
      const outer = over.filter((rect, i) => !over.some((other, j) => holds(other, rect) && (i > j || !holds(rect, other))));
      const [x1, y1, x2, y2] = mark.box;
      if (outer.length) grids.set(mark, [pieces(x1, x2, outer.flatMap(rect => [rect[0], rect[2]])), pieces(y1, y2, outer.flatMap(rect => [rect[1], rect[3]]))]);
    }
    sample([...grids.keys()], mark => grids.get(mark));
  }

  const holds = (a, b) => a[0] <= b[0] && a[1] <= b[1] && a[2] >= b[2] && a[3] >= b[3];

  // The middle and the share of each piece of a side that is cut at some places.
  function pieces(from, to, cuts) {
    const ends = [from, ...cuts.filter(cut => cut > from && cut < to).sort((a, b) => a - b), to];
    return ends.slice(1).map((end, i) => [(ends[i] + end) / 2, (end - ends[i]) / (to - from)]).filter(([, share]) => share > 0);
  }

  // Finds what covers a point (point.cover, entry.covers). Returns the veil that has to be lifted before it can be told.
  function look(point) {
    const {entry, x, y} = point;
    const own = other => related(other, entry.element) || (entry.origin !== entry.element && related(other, entry.origin));
    const top = topAt(document, x, y);
    if (!top || own(top)) return null;
    // What is hit and what holds it, as far as they reach; the list of all that lies there is asked only where they leave something to see.
    for (let above = top; above && !own(above); above = flatParent(above)) {
      if (holdsPoint(rectOf(above), x, y) && opacityAt(above, x, y) >= COVERING) {
        entry.covers.add(above);
        point.cover = 1;
        return null;
      }
    }
    if (isVeil(top)) {
      point.cover = Math.max(point.cover, opacityAt(top, x, y));
      return top;
    }
    for (const above of stackAt(document, x, y)) {
      if (own(above)) break;
      const opacity = opacityAt(above, x, y);
      if (opacity >= COVERING) entry.covers.add(above);
      point.cover = Math.max(point.cover, opacity);
    }
    return null;
  }

  // Only where lifting it lifts nothing else: what stands in it keeps its own pointer-events (browser.py gives every element of the page one).
  function isVeil(element) {
    if (element.getRootNode() !== document || element.shadowRoot || inTopLayer(element) || element === document.body || element === document.documentElement) return false;
    const [x1, y1, x2, y2] = rectOf(element);
    return x1 <= 0 && y1 <= 0 && x2 >= innerWidth && y2 >= innerHeight;
  }

  const holdsPoint = ([x1, y1, x2, y2], x, y) => x >= x1 && x < x2 && y >= y1 && y < y2;

  // The topmost element at a point of the window, inside shadow roots and frames, too.
  function topAt(root, x, y) {
    let top = root.elementFromPoint(x, y);
    while (top) {
      if (top.shadowRoot) {
        const inner = top.shadowRoot.elementFromPoint(x, y);
        if (!inner || inner.getRootNode() !== top.shadowRoot) return top;
        top = inner;
      } else if (top.localName === "iframe" && top.contentDocument) {
        const {x: left, y: above, sx, sy} = frameOf(top.contentDocument);
        return topAt(top.contentDocument, (x - left) / sx, (y - above) / sy) ?? top;
      } else return top;
    }
    return top;
  }

  function stackAt(root, x, y) {
    const out = [];
    for (const element of root.elementsFromPoint(x, y)) {
      if (root.host && element.getRootNode() !== root) continue;
      if (element.shadowRoot) out.push(...stackAt(element.shadowRoot, x, y));
      else if (element.localName === "iframe" && element.contentDocument) {
        const {x: left, y: above, sx, sy} = frameOf(element.contentDocument);
        out.push(...stackAt(element.contentDocument, (x - left) / sx, (y - above) / sy));
      }
      out.push(element);
    }
    return out;
  }

  // A cover that reaches from side to side takes that end of the box away, as a clip would.
  function trim(box, covers) {
    let [x1, y1, x2, y2] = box;
    for (const cover of covers) {
      const [a1, b1, a2, b2] = rectOf(cover);
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

  // A list, row or bare button is seen by what stands in it: once all of that is cropped away or covered, nothing is left to see. Contained marks come first.
  function isBlank({element, full, box, uncovered, trimmed}, marks) {
    if (TEXT.has(element.dataset.c)) return false;
    // A menu over the words of a wide row can lie between the points where the row was looked at.
    const whole = uncovered === 1 && !trimmed && area(box) === area(full);
    if ((whole && !marks.some(other => other.unseen && other.covers && flatContains(element, other.element))) || paints(element, box)) return false;
    const inside = marks.filter(other => other.element !== element && flatContains(element, other.element));
    // A tree's entry holds those below it, which lie outside its row.
    return inside.every(other => other.unseen || area(intersect(other.full, full)) === 0) && (inside.length > 0 || paints(element));
  }

  // Whether an element or its parts paint something (within a box: something that nothing covers); what bears a mark inside it does not count.
  function paints(element, within = null) {
    const s = style(element);
    if (s.visibility !== "visible" || s.opacity === "0" || s.display === "none") return false;
    const shows = box => box !== null && (!within || isInSight(element, intersect(box, within)));
    if (within && element.localName === "svg") return shows(shapesBox(element, within)); // its frame is wider than what is drawn in it
    if (/^(img|svg|canvas|video|iframe|embed|object|input|select|textarea|progress|meter|hr)$/.test(element.localName)) return shows(rectOf(element));
    if (ownPaint(element, s).some(shows)) return true;
    return [...flatChildren(element)].some(node => {
      if (node.nodeType === Node.ELEMENT_NODE) return !node.hasAttribute("data-c") && paints(node, within);
      return node.nodeType === Node.TEXT_NODE && /\S/.test(node.data) && (!within || shows(inkBox(element, within)));
    });
  }

  // Whether any point of a part's box is left uncovered. Asked of the part itself: several things together can cover it, and none of them alone.
  function isInSight(element, box) {
    if (area(box) === 0) return false;
    const part = {element, origin: element, box};
    sample([part]);
    return part.uncovered > 0;
  }

  const SIDES = ["Top", "Right", "Bottom", "Left"];
  const isEdged = (s, side) => px(s[`border${side}Width`]) > 0 && opaqueColour(s[`border${side}Color`]) > 0;
  const hasGround = s => opaqueColour(s.backgroundColor) > 0 || s.backgroundImage !== "none" || s.boxShadow !== "none";
  const isFilled = s => hasGround(s) || SIDES.some(side => isEdged(s, side));

  // The boxes of what an element paints itself: its ground, else the lines of its border, and its pseudo-elements.
  function ownPaint(element, s) {
    const rect = rectOf(element), out = hasGround(s) ? [rect] : [];
    const inner = paddingBox(element, rect);
    for (const [i, side] of SIDES.entries()) {
      if (out[0] === rect || !isEdged(s, side)) continue;
      const line = [...rect], at = [1, 2, 3, 0][i]; // of a box, the number that is the side's
      line[(at + 2) % 4] = inner[at];
      out.push(line);
    }
    for (const pseudo of ["::before", "::after"]) {
      const drawn = element.ownerDocument.defaultView.getComputedStyle(element, pseudo);
      if (isDrawn(drawn)) out.push(placedBox(drawn, inner, s) ?? rect);
    }
    return out;
  }

  // The box of a pseudo-element that is placed in its own element's frame; null if it lies in the flow or is turned.
  function placedBox(drawn, frame, {position}) {
    const [left, top, width, height] = [drawn.left, drawn.top, drawn.width, drawn.height].map(parseFloat);
    if (drawn.position !== "absolute" || position === "static" || drawn.transform !== "none" || [left, top, width, height].some(isNaN)) return null;
    const sides = side => px(drawn[`padding${side}`]) + px(drawn[`border${side}Width`]);
    const isInner = drawn.boxSizing === "content-box";
    const wide = width + (isInner ? sides("Left") + sides("Right") : 0), tall = height + (isInner ? sides("Top") + sides("Bottom") : 0);
    const [x, y] = [frame[0] + left + px(drawn.marginLeft), frame[1] + top + px(drawn.marginTop)];
    return [x, y, x + wide, y + tall];
  }

  const isDrawn = s => s.content !== "none" && s.content !== "normal" && (isFilled(s) || s.content !== '""');

  // How much of what lies below an element hides at a point. Outside its box an element is hit through a pseudo-element: the backdrop of a modal dialog.
  function opacityAt(element, x, y) {
    let s = style(element);
    if (element.localName === "dialog" && element.matches(":modal")) {
      const [x1, y1, x2, y2] = rectOf(element);
      if (x < x1 || x > x2 || y < y1 || y > y2) s = getComputedStyle(element, "::backdrop");
    }
    const opacity = opacityOf(element);
    if (/^(img|video|embed|object)$/.test(element.localName)) return opacity;
    const blur = s.backdropFilter?.match(/blur\(([\d.]+)px\)/);
    if (blur && blur[1] >= UNREADABLE) return opacity;
    return opacity * Math.max(opaqueColour(s.backgroundColor), opaqueImage(s));
  }

  function opacityOf(element) {
    let found = opacities.get(element);
    if (found === undefined) {
      const above = flatParent(element);
      opacities.set(element, (found = Number(style(element).opacity) * (above ? opacityOf(above) : 1)));
    }
    return found;
  }

  function opaqueColour(colour) {
    if (colour === "transparent") return 0;
    const slash = colour.match(/\/ *([\d.]+)\)$/);
    if (slash) return Number(slash[1]);
    const rgba = colour.match(/^rgba\(.*, *([\d.]+)\)$/);
    return rgba ? Number(rgba[1]) : 1;
  }

  // A background picture covers unless it is one small mark (an arrow) or a gradient that can be seen through.
  function opaqueImage(s) {
    if (s.backgroundImage === "none") return 0;
    if (s.backgroundImage.includes("gradient(")) {
      const stops = [...s.backgroundImage.matchAll(/(?:rgba?|oklch|oklab|color|hsla?|lab|lch)\([^()]*\)/g)].map(found => opaqueColour(found[0]));
      return stops.length ? stops.reduce((sum, stop) => sum + stop, 0) / stops.length : 1;
    }
    return s.backgroundRepeat === "no-repeat" && !/cover|contain|100%/.test(s.backgroundSize) ? 0 : 1;
  }

  // A sort key that follows CSS painting: within each stacking context, z-index first, positioned boxes above the flow, then tree order.
  function paintOrder(element) {
    const order = [];
    for (let at = element; at && at !== document.documentElement; at = flatParent(at)) {
      const s = style(at);
      const above = flatParent(at);
      if (inTopLayer(at)) {
        order.unshift([1e9, 1, 1e9 + placeAmong(above, at)]); // the top layer lies over the page, wherever it stands in it
        return order;
      }
      const z = s.zIndex !== "auto" ? Number(s.zIndex) : 0;
      const positioned = s.position !== "static" || s.opacity !== "1" || s.transform !== "none" ? 1 : 0;
      order.unshift([z, positioned, placeAmong(above, at)]);
    }
    return order;
  }

  function placeAmong(parent, child) {
    if (!parent) return 0;
    let places = childOrders.get(parent);
    if (!places) childOrders.set(parent, (places = new Map([...flatChildren(parent)].map((node, i) => [node, i]))));
    return places.get(child) ?? 0;
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

  // The text that is painted in the element itself, whole even where an ellipsis cuts it; text of labelled elements inside belongs to them.
  function textOf(element, spoken) {
    const field = FIELDS.has(spoken.tagName) ? spoken : element;
    if (field.tagName === "SELECT") return squeeze(field.multiple ? "" : field.selectedOptions[0]?.text);
    if (/^(password|range|checkbox|radio)$/.test(field.type)) return "";
    if (FIELDS.has(field.tagName)) return squeeze(field.value || field.placeholder);
    return squeeze(ownTexts(element).map(({node, parent}) => transformed(node.data, style(parent).textTransform)).join(" "));
  }

  const SILENT = new Set(["generic", "none", "presentation", ""]);

  // Chromium's computed role; null where ARIA has no role for it (generic boxes, and the browser's own names for what has no role: "LabelText").
  function roleOf(element) {
    const role = element.computedRole;
    return SILENT.has(role) || /[A-Z]/.test(role) ? null : role === "image" ? "img" : role;
  }

  // Custom elements and wrappers whose control stands inside them say nothing themselves: their role, name and state are those of the first part that does.
  function speakerOf(element) {
    const role = roleOf(element);
    // "search" is the landmark around a field, not the field.
    if ((!element.shadowRoot && element.dataset.box === undefined) || (role && role !== "search")) return element;
    // A field's own buttons and pictograms may stand before what one types into.
    return (/field|area/.test(element.dataset.c) && firstSpeaking(element, TYPED)) || (firstSpeaking(element, WIDGETS) ?? element);
  }

  const TYPED = new Set(["textbox", "searchbox", "combobox"]);
  const WIDGETS = new Set((
    "button checkbox radio switch slider spinbutton textbox searchbox combobox listbox link tab menuitem menuitemcheckbox menuitemradio option treeitem " +
    "progressbar meter scrollbar img tablist menu toolbar tooltip alert status dialog tree grid table"
  ).split(" "));

  function firstSpeaking(element, roles) {
    for (const node of flatChildren(element)) {
      if (node.nodeType !== Node.ELEMENT_NODE || node.hasAttribute("data-c")) continue;
      if (roles.has(roleOf(node))) return node;
      const inside = firstSpeaking(node, roles);
      if (inside) return inside;
    }
    return null;
  }

  function iconOf(element) {
    if (element.dataset.icon) return element.dataset.icon;
    for (const part of element.querySelectorAll("[data-icon]")) if (part.closest("[data-c]") === element) return part.dataset.icon;
    return "";
  }

  const isDisabled = element => element.matches(":disabled, [aria-disabled=true], .disabled") || (element.shadowRoot !== null && element.hasAttribute("disabled"));

  function statesOf(element, spoken, disabled) {
    const parts = spoken === element ? [element] : [element, spoken];
    const is = (attribute, value = "true") => parts.some(part => part.getAttribute(attribute) === value);
    const has = property => parts.some(part => part[property] === true);
    const states = [];
    if (disabled) states.push("disabled");
    if (parts.some(part => part.getRootNode().activeElement === part)) states.push("focused");
    if (is("aria-selected") || (element.matches(".active") && !element.hasAttribute("aria-current"))) states.push("selected");
    if (has("checked") || is("aria-checked")) states.push("checked");
    if ((has("indeterminate") && /checkbox/.test(spoken.type ?? element.computedRole)) || is("aria-checked", "mixed")) states.push("mixed");
    if (is("aria-pressed")) states.push("pressed");
    if (is("aria-expanded")) states.push("expanded");
    if (is("aria-expanded", "false")) states.push("collapsed");
    if (parts.some(part => part.matches(".is-invalid, [aria-invalid=true]"))) states.push("invalid");
    if (has("required")) states.push("required");
    if (parts.some(part => part.readOnly === true && part.hasAttribute("readonly"))) states.push("readonly");
    if (is("aria-busy")) states.push("busy");
    if (element.hasAttribute("aria-current")) states.push("current");
    return states;
  }

  return {annotate, labelled: id => labelled[id], flatChildren, ownTexts};
})();
