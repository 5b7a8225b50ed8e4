/* Charts that become interactive when a reader first points at them, and tables that can be searched. Without scripts pages stay as they are. */
(() => {
  "use strict";
  const here = document.currentScript.src.replace(/review\.js.*$/, "");
  const root = here.replace(/_static\/$/, "");
  const page = location.href.slice(root.length).replace(/(\.html)?([?#].*)?$/, "").replaceAll("/", "-") || "index";

  const loaded = {};
  const load = (name) =>
    (loaded[name] ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = here + name;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    }));

  const enliven = async (figure) => {
    const chart = figure.querySelector(".lr-chart");
    const still = chart.innerHTML;
    try {
      await Promise.all([load("vega-bundle.js"), load(`charts/${page}.js`)]);
      const theme = document.documentElement.dataset.theme === "dark" ? "dark" : "light";
      const stage = document.createElement("div");
      await window.vegaEmbed(stage, window.lrSpecs[figure.id], { actions: false, renderer: "svg", tooltip: { theme } });
      stage.querySelector("svg").setAttribute("aria-hidden", "true");
      chart.replaceChildren(stage);
    } catch (error) {
      chart.innerHTML = still;
    }
  };

  for (const figure of document.querySelectorAll("figure.lr-figure")) {
    const once = { once: true };
    figure.addEventListener("pointerenter", () => enliven(figure), once);
    figure.addEventListener("focusin", () => enliven(figure), once);
  }

  /* A cell is text, or [text, address]; either way it is set as text, never as markup, and only web and book addresses become links. */
  const place = (cell, value) => {
    const [text, address] = Array.isArray(value) ? value : [value, ""];
    if (!/^(https?:\/\/|[\w-]+\.html#)/.test(address)) {
      cell.textContent = text;
      return;
    }
    const link = document.createElement("a");
    link.href = address;
    link.textContent = text;
    cell.replaceChildren(link);
  };

  const words = (value) => (Array.isArray(value) ? value[0] : value);

  const follow = () => {
    document.documentElement.classList.toggle("dark", document.documentElement.dataset.theme === "dark");
  };

  const searchable = async (table, rows) => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = here + "datatables.css";
    document.head.append(style);
    await load("datatables.js");
    follow();
    new MutationObserver(follow).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
    const many = [...table.tHead.rows[0].cells].flatMap((head, i) => ("many" in head.dataset ? [i] : []));
    const menu = (search) => [["orderAsc", "orderDesc", "spacer", search]];
    const name = (cell, column) => (cell.dataset.head = heads[column]);
    const options = {
      pageLength: 25,
      order: [],
      columnControl: menu("searchList"),
      ordering: { indicators: false },
      language: { search: "Search all columns:", lengthMenu: "_MENU_ rows a page" },
    };
    const all = { targets: "_all", createdCell: (cell, value, row, at, column) => name(cell, column) };
    if (rows) {
      options.data = rows;
      options.deferRender = true;
      const escaped = window.DataTable.render.text();
      all.render = (value, type) => (type === "display" ? escaped.display(words(value)) : words(value));
      all.createdCell = (cell, value, row, at, column) => {
        name(cell, column);
        place(cell, value);
      };
    }
    options.columnDefs = [{ targets: many, columnControl: menu("search") }, all];
    const made = new window.DataTable(table, options);
    const what = table.closest("[aria-label]")?.getAttribute("aria-label") ?? "";
    made.table().container().querySelector("nav")?.setAttribute("aria-label", `Pages: ${what}`);
    window.addEventListener("beforeprint", () => made.page.len(-1).draw());
    for (const head of table.tHead.querySelectorAll("th")) {
      head.querySelector("button")?.setAttribute("aria-label", `Sort and filter: ${heads[head.cellIndex]}`);
    }
    table.closest(".lr-evidence")?.querySelector(":scope > p")?.remove();
  };

  for (const table of document.querySelectorAll(".lr-search table")) searchable(table).catch(() => {});
  const evidence = document.querySelector(".lr-evidence table");
  if (evidence) load("evidence.js").then(() => searchable(evidence, window.lrEvidence)).catch(() => {});
})();
