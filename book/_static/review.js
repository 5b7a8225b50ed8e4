/* Makes a chart interactive when a reader first points at it or touches it. Without scripts the static picture stays as it is. */
(() => {
  "use strict";
  const here = document.currentScript.src.replace(/review\.js.*$/, "");
  let bundle = null;

  const load = () =>
    (bundle ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = here + "vega-bundle.js";
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    }));

  const enliven = async (figure) => {
    const chart = figure.querySelector(".lr-chart");
    const still = chart.innerHTML;
    try {
      await load();
      const spec = JSON.parse(figure.querySelector(".lr-spec").textContent);
      const theme = document.documentElement.dataset.theme === "dark" ? "dark" : "light";
      const stage = document.createElement("div");
      await window.vegaEmbed(stage, spec, { actions: false, renderer: "svg", tooltip: { theme } });
      stage.querySelector("svg").setAttribute("aria-hidden", "true");
      chart.replaceChildren(stage);
    } catch (error) {
      chart.innerHTML = still;
    }
  };

  for (const figure of document.querySelectorAll("figure.lr-figure")) {
    figure.addEventListener("pointerenter", () => enliven(figure), { once: true });
  }
})();
