// Runs before a kit's scripts: what browser.py's reset does for the page, this does inside shadow roots, which no style sheet of the page reaches.
// Nothing moves, and what lies at a point can be asked there, too.
(() => {
  const still = new CSSStyleSheet();
  still.replaceSync("*,*::before,*::after{animation:none!important;transition:none!important;caret-color:transparent!important;pointer-events:auto!important}");
  const sheets = Object.getOwnPropertyDescriptor(ShadowRoot.prototype, "adoptedStyleSheets");
  // Libraries replace the list of a root's sheets: ours stays the last one.
  Object.defineProperty(ShadowRoot.prototype, "adoptedStyleSheets", {
    ...sheets,
    set(list) {
      sheets.set.call(this, [...[...list].filter(sheet => sheet !== still), still]);
    },
  });
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options);
    root.adoptedStyleSheets = [];
    return root;
  };
})();
