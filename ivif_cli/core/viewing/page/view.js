// The page of `ivif view`: says what is wanted, shows what comes back, compares by a divider, zooms both pictures as one.
const at = (id) => document.getElementById(id);
const wish = { text: "", goal: "", strength: 1, dials: {} };
let pair = "", sent = 0, waiting = 0, size = { width: 1, height: 1 };

async function call(path, options) {
  const answer = await fetch(path, options);
  const facts = await answer.json();
  if (!answer.ok) throw new Error(facts.error);
  return facts;
}

function complain(error) {
  at("error").textContent = error ? error.message : "";
  at("error").hidden = !error;
}

const ask = (wanted) => call("fuse", {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ pair, ...wanted }),
});

// --- fusing: the last wish wins, whatever order the answers come in ---

async function fuse() {
  const mine = ++sent;
  at("busy").hidden = false;
  try {
    const facts = await ask(wish);
    if (mine !== sent) return;
    complain(null);
    await show(facts);
    const kept = await call(`${facts.picture}/kept`);
    if (mine === sent) at("kept").textContent = kept.K === null ? "no value" : `${kept.K.toFixed(3)} (infrared ${kept.K_ir?.toFixed(3)}, visible ${kept.K_vis?.toFixed(3)})`;
  } catch (error) {
    if (mine === sent) complain(error);
  } finally {
    if (mine === sent) at("busy").hidden = true;
  }
}

async function show(facts) {
  size = facts;
  const image = at("fused");
  image.src = facts.picture;
  await image.decode();
  image.dataset.number = facts.picture;
  at("save").href = facts.picture;
  at("command").textContent = facts.command;
  at("size").textContent = `${facts.width} × ${facts.height}`;
  at("understood").textContent = facts.understood || (wish.goal ? `the goal ${wish.goal}` : wish.text ? "–" : "the default goal");
  at("warnings").textContent = facts.warnings.join(" ");
  at("kept").textContent = "…";
  place();
}

function soon(delay = 350) {
  clearTimeout(waiting);
  waiting = setTimeout(fuse, delay);
}

// --- what is wanted ---

function press(goal) {
  wish.goal = goal;
  for (const button of at("goals").children) button.setAttribute("aria-pressed", String(button.value === goal));
}

function dial(name, input) {
  const output = input.parentElement.querySelector("output");
  input.addEventListener("input", () => {
    output.textContent = input.value;
    if (name === null) wish.strength = Number(input.value);
    else wish.dials[name] = Number(input.value);
    soon(120);
  });
}

function addDial(name) {
  const label = document.createElement("label");
  label.className = "dial";
  label.innerHTML = '<span></span><input type="range" min="-1" max="1" step="0.1" value="0"><output>0</output>';
  label.querySelector("span").textContent = name;
  label.querySelector("input").id = `dial-${name}`;
  at("dials").append(label);
  dial(name, label.querySelector("input"));
}

function addGoal(name) {
  const button = document.createElement("button");
  button.value = button.textContent = name;
  button.addEventListener("click", () => {
    at("text").value = wish.text = "";
    press(wish.goal === name ? "" : name);
    fuse();
  });
  at("goals").append(button);
  at("with").add(new Option(`goal ${name}`, `goal:${name}`));
}

function reset() {
  at("text").value = wish.text = "";
  press("");
  for (const input of document.querySelectorAll(".dial input")) {
    input.value = input.id === "strength" ? 1 : 0;
    input.parentElement.querySelector("output").textContent = input.value;
  }
  wish.strength = 1;
  wish.dials = {};
  fuse();
}

// --- pairs ---

function choose(name) {
  pair = name;
  at("pair").value = name;
  home();
  compare();
  return fuse();
}

async function drop(role, file) {
  const slot = at(`drop-${role}`).parentElement;
  try {
    const facts = await call(`drop/${role}?name=${encodeURIComponent(file.name)}`, { method: "PUT", body: file });
    slot.classList.add("done");
    if (facts.pair === null) return;
    for (const label of document.querySelectorAll(".file")) label.classList.remove("done");
    at("pair").add(new Option(facts.pair, facts.pair));
    complain(null);
    await choose(facts.pair);
  } catch (error) {
    complain(error);
  }
}

async function dropAll(files) {
  const thermal = /(^|[^a-z])(ir|infrared|thermal|lwir|t)([^a-z]|$)/i;
  if (files.length !== 2) return complain(new Error("drop two pictures: one infrared, one visible"));
  const first = thermal.test(files[1].name) && !thermal.test(files[0].name) ? 1 : 0;
  await drop("ir", files[first]);
  await drop("vis", files[1 - first]);
}

// --- comparing ---

async function compare() {
  const chosen = at("with").value;
  try {
    const goal = chosen.startsWith("goal:") ? chosen.slice(5) : null;
    at("other").src = goal === null ? `source/${chosen}?pair=${encodeURIComponent(pair)}` : (await ask({ goal })).picture;
  } catch (error) {
    complain(error);
  }
}

// --- zoom and divider: both pictures lie in one box, so they move as one ---

const view = { scale: 1, x: 0, y: 0 };
const held = new Map();

function place() {
  const box = at("stage").getBoundingClientRect();
  at("layers").style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
  const shown = Math.min(box.width / size.width, box.height / size.height) * view.scale;
  at("layers").classList.toggle("near", shown > 2);
  const meet = box.width * at("split").value / 100;
  at("divider").style.left = `${meet}px`;
  at("other").style.clipPath = `inset(0 ${box.width - (meet - view.x) / view.scale}px 0 0)`;
}

function zoom(factor, x, y) {
  const scale = Math.min(40, Math.max(1, view.scale * factor));
  view.x = x - (x - view.x) * scale / view.scale;
  view.y = y - (y - view.y) * scale / view.scale;
  view.scale = scale;
  inside();
}

function inside() {
  const box = at("stage").getBoundingClientRect();
  view.x = Math.min(0, Math.max(box.width * (1 - view.scale), view.x));
  view.y = Math.min(0, Math.max(box.height * (1 - view.scale), view.y));
  place();
}

function home() {
  Object.assign(view, { scale: 1, x: 0, y: 0 });
  place();
}

function middle(factor) {
  const box = at("stage").getBoundingClientRect();
  zoom(factor, box.width / 2, box.height / 2);
}

function point(event) {
  const box = at("stage").getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

function move(event) {
  if (!held.has(event.pointerId)) return;
  const before = held.get(event.pointerId), now = point(event);
  const others = [...held].filter(([id]) => id !== event.pointerId).map(([, where]) => where);
  held.set(event.pointerId, now);
  if (others.length === 1) {
    const far = (a) => Math.hypot(a.x - others[0].x, a.y - others[0].y);
    zoom(far(now) / Math.max(1, far(before)), (now.x + others[0].x) / 2, (now.y + others[0].y) / 2);
  } else if (others.length === 0) {
    view.x += now.x - before.x;
    view.y += now.y - before.y;
    inside();
  }
}

function listen() {
  const stage = at("stage");
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), point(event).x, point(event).y);
  }, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    held.set(event.pointerId, point(event));
    stage.classList.add("held");
  });
  stage.addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => {
    held.delete(event.pointerId);
    stage.classList.toggle("held", held.size > 0);
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    stage.classList.add("over");
    at("drophint").hidden = false;
  });
  for (const name of ["dragleave", "drop"]) document.addEventListener(name, (event) => {
    event.preventDefault();
    stage.classList.remove("over");
    at("drophint").hidden = true;
    if (name === "drop") dropAll(event.dataTransfer.files);
  });
  at("split").addEventListener("input", place);
  at("with").addEventListener("change", compare);
  at("in").addEventListener("click", () => middle(1.5));
  at("out").addEventListener("click", () => middle(1 / 1.5));
  at("fit").addEventListener("click", home);
  at("pair").addEventListener("change", () => choose(at("pair").value));
  at("reset").addEventListener("click", reset);
  at("text").addEventListener("input", () => {
    wish.text = at("text").value.trim();
    press("");
    soon();
  });
  at("copy").addEventListener("click", () => navigator.clipboard.writeText(at("command").textContent));
  for (const role of ["ir", "vis"]) at(`drop-${role}`).addEventListener("change", (event) => {
    if (event.target.files.length) drop(role, event.target.files[0]);
    event.target.value = "";
  });
  window.addEventListener("resize", inside);
}

async function start() {
  listen();
  try {
    const state = await call("state");
    at("made").textContent = `ivif ${state.ivif}, model ${state.model}`;
    dial(null, at("strength"));
    state.pairs.forEach((name) => at("pair").add(new Option(name, name)));
    state.goals.forEach(addGoal);
    state.dials.forEach(addDial);
    await choose(state.pairs[0]);
  } catch (error) {
    complain(error);
  }
}

start();
