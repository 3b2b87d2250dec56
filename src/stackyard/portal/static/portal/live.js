// Follows a run: log lines and stages as they happen. Everything that arrives is shown as text, never as HTML. When the
// run gets another status, or its plan, the page fetches its parts anew ("run-moved").
(() => {
  "use strict";
  const NEAR_END = 40; // pixels: closer than this to the end counts as "at the end"

  const duration = (seconds) => {
    if (seconds < 10) return `${seconds.toFixed(1)} s`;
    const whole = Math.round(seconds);
    if (whole < 60) return `${whole} s`;
    const two = (n) => String(n).padStart(2, "0");
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
    return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  };
  const roughly = (seconds) => {
    if (seconds < 15) return "nearly done";
    if (seconds < 90) return `about ${Math.max(1, Math.round(seconds / 10)) * 10} s left`;
    return `about ${Math.round(seconds / 60)} min left`;
  };
  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  class Log {
    constructor(box) {
      this.box = box;
      this.lines = box.querySelector("[data-lines]");
      this.firstErrorButton = box.querySelector("[data-first-error]");
      this.endButton = box.querySelector("[data-to-end]");
      this.following = true;
      this.stage = null;
      this.stageTitles = {};
      this.lines.addEventListener("scroll", () => {
        const rest = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight;
        this.following = rest < NEAR_END;
        this.endButton.hidden = this.following;
      });
      this.endButton.addEventListener("click", () => this.toEnd());
      this.firstErrorButton.addEventListener("click", () => this.toFirstError());
    }
    waiting(text) {
      this.lines.querySelector("[data-waiting]")?.replaceChildren(text);
    }
    show(line) {
      this.lines.scrollTop = line.offsetTop - this.lines.offsetTop - 40;
    }
    toFirstError() {
      const line = this.lines.querySelector(".log-error");
      if (!line) return;
      this.following = false;
      this.show(line);
    }
    toEnd() {
      this.following = true;
      this.lines.scrollTop = this.lines.scrollHeight;
      this.endButton.hidden = true;
    }
    add(events) {
      const fresh = document.createDocumentFragment();
      for (const event of events) {
        if (event.stage && event.stage !== this.stage) {
          this.stage = event.stage;
          const heading = element("div", "log-stage", this.stageTitles[event.stage] ?? event.stage);
          heading.dataset.stage = event.stage;
          fresh.append(heading);
        }
        const line = element("div", `log-line log-${/^[a-z]+$/.test(event.level) ? event.level : "info"}`);
        line.append(element("span", "log-time", event.at), element("span", "log-text", event.message));
        if (event.address) line.title = event.address;
        fresh.append(line);
      }
      if (!fresh.childNodes.length) return;
      this.lines.querySelector("[data-waiting]")?.remove();
      if (fresh.querySelector(".log-error")) this.firstErrorButton.hidden = false;
      this.lines.append(fresh);
      if (this.following) this.lines.scrollTop = this.lines.scrollHeight;
    }
  }

  class Steps {
    constructor(box) {
      this.box = box;
      this.list = box.querySelector("[data-steps]");
      this.usual = JSON.parse(this.list.dataset.usual);
      // The browser's clock may be wrong; what counts is the server's.
      this.ahead = Date.now() - Date.parse(this.list.dataset.now);
      this.stages = [];
    }
    now() {
      return Date.now() - this.ahead;
    }
    update(stages) {
      this.stages = stages;
      const same = [...this.list.children].map((c) => c.dataset.step).join() === stages.map((s) => s.name).join();
      if (!same) this.list.replaceChildren(...stages.map((stage) => this.make(stage)));
      stages.forEach((stage, position) => {
        this.list.children[position].className = `step step-${stage.status}`;
      });
      this.tick();
    }
    make(stage) {
      const made = element("li", "step");
      made.dataset.step = stage.name;
      const title = element("button", "step-title", stage.title);
      title.type = "button";
      made.append(element("span", "step-mark"), title, element("span", "step-time"));
      return made;
    }
    tick() {
      let left = 0;
      let longer = false;
      let known = this.stages.length > 0;
      this.stages.forEach((stage, position) => {
        const took = stage.seconds ?? (stage.started ? Math.max(0, (this.now() - Date.parse(stage.started)) / 1000) : null);
        const usual = this.usual[stage.name];
        const time = this.list.children[position]?.querySelector(".step-time");
        if (time && stage.status === "pending") time.textContent = usual ? `~ ${duration(usual)}` : "";
        else if (time) time.textContent = took === null ? "" : duration(took);
        this.fill(stage, took, usual);
        if (stage.status === "running" && took > 2 * usual + 10) longer = true;
        if (stage.status !== "pending" && stage.status !== "running") return;
        if (usual === undefined) known = false;
        else left += Math.max(0, usual - (took ?? 0));
      });
      const working = this.box.dataset.status === "running" && this.stages.some((s) => s.status === "running");
      const text = this.box.querySelector("[data-left]");
      if (!text || !known || !working) return; // what the server wrote there stays
      const told = longer ? "longer than usual" : roughly(left);
      text.textContent = `${told[0].toUpperCase()}${told.slice(1)}.`;
    }
    fill(stage, took, usual) {
      const bar = this.box.querySelector(`[data-segment="${CSS.escape(stage.name)}"]`);
      if (!bar) return;
      const full = Number(bar.dataset.width);
      const part = stage.status === "running" ? Math.min(usual ? took / usual : 0.5, 0.97) : Number(stage.status !== "pending");
      bar.setAttribute("class", `outlook-fill outlook-${stage.status}`);
      bar.setAttribute("width", String(full * part));
    }
  }

  const follow = (box) => {
    if (box.dataset.followed) return;
    box.dataset.followed = "yes";
    const log = new Log(box);
    const steps = new Steps(box);
    const wasDone = box.dataset.done === "yes";
    const state = box.querySelector("[data-connection]");
    const source = new EventSource(`/live/runs/${box.dataset.live}`);
    const finish = () => {
      source.close();
      clearInterval(timer);
      state.textContent = "";
    };
    const timer = setInterval(() => {
      if (box.isConnected) steps.tick();
      else finish(); // another run took its place on the page
    }, 500);
    const said = box.querySelector("[data-said]");
    // For who hears the page: which stage has begun, and how it ended. The log itself is read on demand.
    const say = (data) => {
      const now = data.stages.find((stage) => stage.status === "running");
      const text = now ? now.title : `${data.status_title}.`;
      if (said.textContent !== text) said.textContent = text;
    };
    const notice = (data) => {
      const planned = data.stages.some((s) => s.name === "check" && s.status === "done") ? "yes" : "no";
      if (data.status === box.dataset.status && planned === box.dataset.planned) return;
      box.dataset.status = data.status;
      box.dataset.planned = planned;
      htmx.trigger(document.body, "run-moved");
    };
    source.onopen = () => { state.textContent = wasDone ? "" : "live"; };
    source.onerror = () => { state.textContent = "connection lost, trying again"; };
    source.onmessage = (message) => {
      const data = JSON.parse(message.data);
      for (const stage of data.stages) log.stageTitles[stage.name] = stage.title;
      if (!wasDone) {
        say(data);
        notice(data);
      }
      steps.update(data.stages);
      log.add(data.events);
      if (data.status === "running") log.waiting("Nothing written yet.");
    };
    source.addEventListener("end", () => {
      finish();
      log.waiting("This run wrote no log.");
      // Of a run that failed long ago people want to know why, not how it was taken back.
      if (wasDone && box.dataset.status === "failed") log.toFirstError();
    });
    window.addEventListener("pagehide", finish);
    steps.list.addEventListener("click", (event) => {
      const step = event.target.closest("[data-step]");
      const heading = step && log.lines.querySelector(`.log-stage[data-stage="${CSS.escape(step.dataset.step)}"]`);
      if (!heading) return;
      box.querySelector("details")?.setAttribute("open", "");
      log.following = false;
      log.show(heading);
      if (event.detail === 0) log.lines.focus({ preventScroll: true }); // from the keyboard: go on reading there
    });
  };

  const start = () => {
    for (const box of document.querySelectorAll("[data-live]")) {
      const folded = box.querySelector("details:not([open])");
      // A folded log of an old run is fetched when somebody opens it.
      if (!folded || box.dataset.done !== "yes") follow(box);
      else if (!box.dataset.waits) {
        box.dataset.waits = "yes";
        folded.addEventListener("toggle", () => follow(box), { once: true });
      }
    }
  };
  document.addEventListener("DOMContentLoaded", start);
  document.addEventListener("htmx:oobAfterSwap", start);
})();
