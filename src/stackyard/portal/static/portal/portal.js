// Small behaviours of every page, bound by data attributes so that they also hold for parts that htmx brings in.
(() => {
  "use strict";

  // Copy buttons: data-copy holds the text.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.classList.add("copied");
      setTimeout(() => button.classList.remove("copied"), 1500);
    } catch {
      button.classList.add("not-copied");
    }
  });

  // A dangerous button stays off until the name is typed. The server checks it again.
  document.addEventListener("input", (event) => {
    const field = event.target.closest("[data-must-equal]");
    if (!field) return;
    const button = document.querySelector(`[data-enabled-by="${field.id}"]`) ?? field.form.querySelector("[type=submit]");
    button.disabled = field.value.trim() !== field.dataset.mustEqual;
  });

  // Whoever fills in a field of a choice has chosen it.
  document.addEventListener("input", (event) => {
    const choice = event.target.matches("[type=radio]") ? null : event.target.closest("[data-choice]");
    if (choice) choice.querySelector("[type=radio]").checked = true;
  });

  // A form is sent once.
  document.addEventListener("submit", (event) => {
    const button = event.target.matches("form[method=post]") && event.submitter;
    if (!button || event.target.hasAttribute("hx-post")) return; // those htmx sends, and their page stays
    if (event.target.dataset.sent) {
      event.preventDefault();
      return;
    }
    event.target.dataset.sent = "yes";
    button.classList.add("btn-loading");
  });
  // Coming back by the browser's button, the form may be sent again.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      form.querySelectorAll(".btn-loading").forEach((b) => b.classList.remove("btn-loading"));
    }
  });
})();
