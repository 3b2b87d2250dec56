// Forms of settings: rows of names and values, settings that only count when another is set so, and what the preview
// beside them brings: errors at their fields, while the person goes on typing.
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
      for (const kind of ["input", "change"]) form.dispatchEvent(new Event(kind, { bubbles: true }));
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

  // An error that came beside a field, or went.
  const markErrors = () => {
    for (const slot of document.querySelectorAll("[data-error-of]")) {
      const field = document.getElementById(slot.dataset.errorOf);
      if (!field?.matches("input, select, textarea")) continue;
      const wrong = slot.textContent.trim() !== "";
      field.classList.toggle("is-invalid", wrong);
      if (wrong) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  };

  // A preview that is replaced stays where it was scrolled to, and open where it was open.
  let kept = {};
  const key = (element) => element.dataset.keep;
  document.addEventListener("htmx:beforeSwap", (event) => {
    kept = {};
    for (const element of event.detail.target.querySelectorAll("[data-keep]")) {
      kept[key(element)] = { top: element.scrollTop, left: element.scrollLeft, open: element.open };
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    for (const element of event.detail.target.querySelectorAll("[data-keep]")) {
      const was = kept[key(element)];
      if (!was) continue;
      if (was.open) element.open = true;
      element.scrollTo(was.left, was.top);
    }
  });
  document.addEventListener("htmx:afterSettle", markErrors);

  // The first refused field is what the person looks for.
  document.addEventListener("DOMContentLoaded", () => {
    const wrong = document.querySelector(".is-invalid");
    if (!wrong) return;
    wrong.closest("details")?.setAttribute("open", "");
    wrong.focus({ preventScroll: true });
    wrong.scrollIntoView({ block: "center" });
  });
})();
