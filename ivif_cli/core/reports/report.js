"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(column, head));
  });

  function key(row, column) {
    const cell = row.cells[column];
    if (!cell) return NaN;
    if (cell.dataset.value === undefined) return cell.textContent;
    return cell.dataset.value === "" ? NaN : Number(cell.dataset.value);
  }

  function sort(column, head) {
    const falling = head.getAttribute("aria-sort") !== "descending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const compare = (a, b) => {
      const [x, y] = [key(a, column), key(b, column)];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      const order = typeof x === "string" ? x.localeCompare(String(y), undefined, { numeric: true }) : x - y;
      return falling ? -order : order;
    };
    body.append(...[...body.rows].sort(compare));
  }
}

for (const label of document.querySelectorAll(".filter")) {
  const rows = [...label.parentElement.querySelectorAll("tbody tr")];
  label.hidden = false;
  label.querySelector("input").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}

const compare = document.getElementById("compare");
if (compare && document.querySelector("#scenes img")) {
  compare.hidden = false;
  const [scene, left, right, stage, divider, note] =
    ["scene", "left", "right", "stage", "divider", "note"].map((id) => document.getElementById(id));
  const [under, over] = ["under", "over"].map((id) => document.querySelector(`#${id} img`));
  const line = document.getElementById("line");
  const details = [...document.querySelectorAll("#scenes details")].filter((one) => one.querySelector("img"));
  const view = { zoom: 1, x: 0, y: 0 };
  let drag = null;

  const fill = (select, names, wanted) => {
    select.replaceChildren(...names.map((name) => new Option(name, name)));
    select.value = names.includes(wanted) ? wanted : names[Math.min(1, names.length - 1)];
  };

  const pictures = () => [...details[scene.selectedIndex].querySelectorAll("img")];

  function changeScene() {
    const names = pictures().map((image) => image.dataset.label);
    fill(left, names, left.value || "infrared");
    fill(right, names, right.value || names[2]);
    changePictures();
  }

  function changePictures() {
    const found = (label) => pictures().find((image) => image.dataset.label === label);
    const [a, b] = [found(left.value), found(right.value)];
    over.src = a.src;
    under.src = b.src;
    [over.alt, under.alt] = [left.value, right.value];
    note.textContent = a.dataset.full === "1" ? "" : "thumbnail";
    under.decode().then(() => { fitStage(); draw(); }, () => {});
  }

  function fitStage() {
    const ratio = under.naturalWidth / under.naturalHeight;
    stage.style.aspectRatio = `${ratio}`;
    for (const one of [stage, divider]) one.style.maxWidth = `calc(80vh * ${ratio})`;
  }

  function draw() {
    const { width, height } = stage.getBoundingClientRect();
    view.x = Math.min(0, Math.max(width * (1 - view.zoom), view.x));
    view.y = Math.min(0, Math.max(height * (1 - view.zoom), view.y));
    for (const image of [under, over]) image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`;
    stage.classList.toggle("large", view.zoom > 2);
    document.getElementById("over").style.clipPath = `inset(0 ${100 - divider.value}% 0 0)`;
    line.style.left = `${divider.value}%`;
  }

  function zoom(factor, x, y) {
    const box = stage.getBoundingClientRect();
    const [px, py] = [x === undefined ? box.width / 2 : x - box.left, y === undefined ? box.height / 2 : y - box.top];
    const next = Math.min(16, Math.max(1, view.zoom * factor));
    view.x = px - (px - view.x) * (next / view.zoom);
    view.y = py - (py - view.y) * (next / view.zoom);
    view.zoom = next;
    draw();
  }

  function step(count) {
    scene.selectedIndex = (scene.selectedIndex + count + details.length) % details.length;
    changeScene();
  }

  function slide(value) {
    divider.value = value;
    draw();
  }

  const keys = {
    ArrowLeft: () => slide(Number(divider.value) - 2), ArrowRight: () => slide(Number(divider.value) + 2),
    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: () => zoom(0),
    n: () => step(1), p: () => step(-1),
  };
  stage.addEventListener("keydown", (event) => {
    const choice = Number(event.key) - 1;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (keys[event.key]) keys[event.key]();
    else if (choice >= 0 && choice < right.length) { right.selectedIndex = choice; changePictures(); }
    else return;
    event.preventDefault();
  });
  stage.addEventListener("wheel", (event) => {
    if (document.activeElement !== stage && !event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.clientX, event.clientY);
  }, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    stage.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    drag = { x: event.clientX, y: event.clientY, line: event.target === line };
    stage.classList.add("moving");
  });
  stage.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const box = stage.getBoundingClientRect();
    if (drag.line || view.zoom === 1) slide((100 * (event.clientX - box.left)) / box.width);
    else {
      view.x += event.clientX - drag.x;
      view.y += event.clientY - drag.y;
      [drag.x, drag.y] = [event.clientX, event.clientY];
      draw();
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, () => { drag = null; stage.classList.remove("moving"); });
  }
  divider.addEventListener("input", draw);
  scene.addEventListener("change", changeScene);
  left.addEventListener("change", changePictures);
  right.addEventListener("change", changePictures);
  document.getElementById("closer").addEventListener("click", () => zoom(1.5));
  document.getElementById("farther").addEventListener("click", () => zoom(1 / 1.5));
  document.getElementById("whole").addEventListener("click", () => zoom(0));
  window.addEventListener("resize", draw);
  for (const link of document.querySelectorAll("a[data-scene]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      scene.selectedIndex = details.findIndex((one) => one.dataset.scene === link.dataset.scene);
      changeScene();
      compare.scrollIntoView();
      stage.focus({ preventScroll: true });
    });
  }
  fill(scene, details.map((one) => one.dataset.scene), details.find((one) => one.querySelector("[data-full='1']"))?.dataset.scene);
  changeScene();
}
