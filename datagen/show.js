// Puts pages up: one `<body>` after another in the same document, which is several times faster than a document per page.
// A page must not depend on the ones before it: whatever a page sets on <html> is taken back, and charts are disposed of.
window.stage = (() => {
  const root = document.documentElement;
  const links = new Map(); // href -> <link>, loaded once, then switched on and off
  const styles = new Map(); // css text -> <style>
  let set = []; // attributes of <html> that the last page set

  function link(href) {
    if (!links.has(href)) {
      const element = document.createElement("link");
      element.rel = "stylesheet";
      element.href = href;
      const loaded = new Promise((resolve, reject) => {
        element.onload = () => resolve(element);
        element.onerror = () => reject(new Error(`the style sheet ${href} does not load`));
      });
      document.head.insertBefore(element, document.getElementById("layout"));
      links.set(href, loaded);
    }
    return links.get(href);
  }

  function style(css) {
    if (!styles.has(css)) {
      const element = document.createElement("style");
      element.textContent = css;
      document.head.insertBefore(element, document.getElementById("reset"));
      styles.set(css, element);
    }
    return styles.get(css);
  }

  async function dress(page) {
    const wanted = await Promise.all(page.css.map(link));
    for (const loaded of links.values()) {
      const element = await loaded;
      element.sheet.disabled = !wanted.includes(element);
    }
    const own = page.extra.map(style);
    for (const element of styles.values()) element.sheet.disabled = !own.includes(element);
    for (const name of set) root.removeAttribute(name);
    set = Object.keys(page.attributes);
    for (const name of set) root.setAttribute(name, page.attributes[name]);
  }

  // What is shown goes away. Before the window changes its size: nobody looks at how the last page would stand in the new one.
  function clear() {
    charts.clear();
    root.replaceChild(document.createElement("body"), document.body);
  }

  // Layout asks for the fonts that the page needs; once they are there, it may ask for others.
  async function layOut(body) {
    body.getBoundingClientRect();
    while (document.fonts.status === "loading") {
      await document.fonts.ready;
      // What was laid out while a font was on its way keeps traces of the fallback (selects do): lay all out once more.
      body.style.display = "none";
      body.getBoundingClientRect();
      body.style.removeProperty("display");
      if (!body.getAttribute("style")) body.removeAttribute("style");
      body.getBoundingClientRect();
    }
  }

  // Waits for nothing that is there already, so that in most cases the page is laid out and asked in one task, and painted but once.
  async function show(page) {
    charts.clear();
    await dress(page);
    const body = document.createElement("body");
    body.className = page.bodyClass;
    body.innerHTML = page.body;
    root.replaceChild(body, document.body);
    for (const mixed of body.querySelectorAll("[data-mixed]")) mixed.indeterminate = true;
    if (window.kitReady) await window.kitReady(body);
    await layOut(body);
    await charts.draw(body);
    await layOut(body);
    const late = [...body.querySelectorAll("img")].filter(image => !image.complete);
    if (late.length) await Promise.allSettled(late.map(image => image.decode()));
    if (page.scripted) await new Promise(painted => requestAnimationFrame(() => setTimeout(painted))); // components may look at their sizes then
    for (const scroller of body.querySelectorAll("[data-scroll-to]")) scroller.scrollTop = Number(scroller.dataset.scrollTo);
    root.scrollTop = body.scrollTop = 0;
    window.scrollTo(page.scroll[0], page.scroll[1]);
    if (page.focus !== null) focusOn(body, page.focus);
    for (const floating of body.querySelectorAll("[data-near]")) placeNear(body, floating);
    return true;
  }

  const inView = element => {
    const box = element.getBoundingClientRect();
    return box.width > 4 && box.height > 4 && box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight && element.checkVisibility({visibilityProperty: true});
  };

  function focusOn(body, number) {
    const all = [...body.querySelectorAll("input:not(:disabled),textarea:not(:disabled),select:not(:disabled),button:not(:disabled),[tabindex='0'],[data-focusable]")].filter(inView);
    const fields = all.filter(element => /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
    const from = fields.length && number % 4 ? fields : all;
    if (from.length) from[number % from.length].focus({preventScroll: true, focusVisible: true});
  }

  // Beside the n-th element of a class that is in view: below it, or above where there is no room.
  function placeNear(body, floating) {
    const candidates = [...body.querySelectorAll(`[data-c="${floating.dataset.near}"]`)].filter(element => !element.closest(".s-over,.s-backdrop") && inView(element));
    const others = candidates.length ? candidates : [...body.querySelectorAll("[data-c]")].filter(element => !element.closest(".s-over,.s-backdrop") && inView(element));
    const size = floating.getBoundingClientRect(), gap = Number(floating.dataset.gap || 2);
    let left = (innerWidth - size.width) / 2, top = (innerHeight - size.height) / 2;
    if (others.length) {
      const box = others[Number(floating.dataset.nth) % others.length].getBoundingClientRect();
      left = root.dir === "rtl" ? box.right - size.width : box.left;
      top = box.bottom + gap + size.height <= innerHeight ? box.bottom + gap : box.top - gap - size.height;
    }
    floating.style.left = `${Math.round(Math.max(4, Math.min(left, innerWidth - size.width - 4)))}px`;
    floating.style.top = `${Math.round(Math.max(4, Math.min(top, innerHeight - size.height - 4)))}px`;
  }

  return {show, clear};
})();
