// Dark or light: as the system says, until the switch is used. Loaded in <head>, so that nothing flashes.
(() => {
  "use strict";
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const wish = () => {
    try { return localStorage.getItem("stackyard-theme"); } catch { return null; }
  };
  const present = () => wish() ?? (system.matches ? "dark" : "light");
  const apply = () => document.documentElement.setAttribute("data-bs-theme", present());
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const next = present() === "dark" ? "light" : "dark";
    try {
      // What equals the system's choice is no wish: the page follows the system again.
      if (next === (system.matches ? "dark" : "light")) localStorage.removeItem("stackyard-theme");
      else localStorage.setItem("stackyard-theme", next);
    } catch { /* private windows: the choice lasts until the next page */ }
    document.documentElement.setAttribute("data-bs-theme", next);
  });
})();
