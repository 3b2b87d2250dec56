// The form of a new environment: rows of names and values, and settings that only count when another is set so.
(() => {
  "use strict";

  document.addEventListener("click", (event) => {
    const add = event.target.closest("[data-add-row]");
    if (add) {
      const rows = add.closest("[data-rows]");
      const row = rows.querySelector("template").content.cloneNode(true);
      rows.querySelector("[data-row-list]").append(row);
      rows.querySelector("[data-row-list] > :last-child input").focus();
      return;
    }
    const remove = event.target.closest("[data-remove-row]");
    if (remove) {
      const form = remove.closest("form");
      remove.closest("[data-row]").remove();
      form.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });

  const valueOf = (form, path) => {
    const field = form.elements.namedItem(`settings.${path}`);
    if (!field) return undefined;
    return field.type === "checkbox" ? field.checked : field.value;
  };
  const showWhatCounts = (form) => {
    for (const box of form.querySelectorAll("[data-depends]")) {
      const wanted = Object.entries(JSON.parse(box.dataset.depends));
      box.hidden = !wanted.every(([path, values]) => values.some((v) => String(v) === String(valueOf(form, path))));
    }
    for (const group of form.querySelectorAll("[data-group]")) {
      group.hidden = !group.querySelector(".setting:not([hidden])");
    }
  };
  const all = () => document.querySelectorAll("form[data-settings]").forEach(showWhatCounts);
  document.addEventListener("change", all);
  document.addEventListener("DOMContentLoaded", all);
  document.addEventListener("htmx:afterSettle", all);

  // The first refused field is what the person looks for.
  document.addEventListener("DOMContentLoaded", () => {
    const wrong = document.querySelector(".is-invalid");
    if (!wrong) return;
    wrong.closest("details")?.setAttribute("open", "");
    wrong.focus({ preventScroll: true });
    wrong.scrollIntoView({ block: "center" });
  });
})();
