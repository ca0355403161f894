// The page: a choice in the address, answers from the server (or baked into the file), figures on canvases.
const $ = (id) => document.getElementById(id);
const WORDS = ["domain", "group", "architecture", "break", "sample", "seed"];
const LIMIT = 1e-5, BROKEN = .1;
const state = { words: {}, motion: 0, layer: 0, element: 0, spec: null, model: null, curve: null, verdict: null, version: 0, frame: null };
const frames = new Map();
const explorer = { state, times: [], ready: false, errors: [] };
window.explorer = explorer;
let baked = null, serial = 0, wanted = null, busy = false, timer = 0, playing = 0;

function query(words) { return new URLSearchParams(Object.entries(words).filter(([, v]) => v !== "" && v !== undefined).sort()).toString(); }

async function ask(route, words, method) {
  const key = query(words);
  if (baked) {
    const found = baked.answers[route + "?" + key];
    if (!found) throw new Error("this page was baked without that; run erlangen explore to see everything");
    return found;
  }
  const reply = await fetch("/api/" + route + (key ? "?" + key : ""), { method: method || "GET" });
  const found = await reply.json();
  if (!reply.ok) throw new Error(found.error);
  return found;
}

function problem(error) {
  $("problem").hidden = !error;
  if (error) { $("problem").textContent = String(error.message || error); explorer.errors.push(String(error.message || error)); }
}

function number(x) {
  if (x === null || x === undefined) return "–";
  if (x === 0) return "0";
  return x < 1e-3 || x >= 1e4 ? x.toExponential(1) : x.toPrecision(2);
}

function dial() { return state.model.motions[state.motion]; }

function options(id, entries, chosen) {
  $(id).replaceChildren(...entries.map(([value, text]) => new Option(text, value, false, String(value) === String(chosen))));
  $(id).disabled = entries.length < 2;
}

// the address

function readAddress() {
  const given = new URLSearchParams(location.search);
  for (const word of WORDS) if (given.has(word)) state.words[word] = given.get(word);
  return { motion: given.get("motion"), layer: given.get("layer"), element: given.get("element") };
}

function writeAddress() {
  const words = { ...state.words, motion: dial().name, layer: state.layer, element: state.element };
  history.replaceState(null, "", location.pathname + "?" + query(words) + location.hash);
}

// loading

async function load(asked) {
  const mine = ++serial;
  explorer.ready = false;
  asked = asked || {};
  problem(null);
  try {
    const spec = await ask("spec", pick(["domain"]));
    if (mine !== serial) return;
    state.spec = spec;
    const w = state.words;
    w.domain = spec.domain;
    if (!asked.first) {
      if (!spec.groups.includes(w.group)) w.group = spec.groups[0];
      w.break = (w.break || "").split(",").filter((d) => d in spec.defects).join();
      if (!(Number(w.sample) < spec.samples.length)) w.sample = "0";
    }
    w.group = w.group || spec.groups[0]; w.architecture = w.architecture || Object.keys(spec.architectures)[0]; w.sample = w.sample || "0"; w.break = w.break || "";
    controls();
    const model = await ask("model", pick(WORDS));
    if (mine !== serial) return;
    state.model = model; state.version = model.training.version; state.verdict = state.curve = null; frames.clear();
    const named = model.motions.findIndex((m) => m.name === asked.motion);
    state.motion = Math.max(0, named);
    if (asked.motion && named < 0) problem(`there is no motion '${asked.motion}' here; it has ${model.motions.map((m) => m.name).join(", ")}`);
    state.layer = asked.layer !== null && asked.layer !== undefined && Number(asked.layer) < model.layers.length ? Number(asked.layer) : model.layer;
    const most = dial().labels.length - 1;
    state.element = Math.min(most, Math.max(0, Number(asked.element) || 0));
    options("motion", model.motions.map((m, i) => [i, m.title]), state.motion);
    chips(); ring(); turnTo(state.element);
    await loadCurve(mine);
    if (mine === serial) loadVerdict(mine);
    lesson(model.training);
  } catch (error) { if (mine === serial) problem(error); }
}

function pick(names) { return Object.fromEntries(names.filter((n) => state.words[n]).map((n) => [n, state.words[n]])); }

async function loadCurve(mine) {
  const curve = await ask("curve", { ...pick(WORDS), motion: dial().name, layer: state.layer });
  if (mine !== serial) return;
  state.curve = curve; drawCurve(); banner(); explorer.ready = true;
}

async function loadVerdict(mine) {
  const verdict = await ask("verdict", pick(WORDS));
  if (mine !== serial) return;
  state.verdict = verdict; chips();
}

function controls() {
  const { spec, words } = state;
  options("domain", Object.entries(spec.domains), words.domain);
  options("group", spec.groups.map((g) => [g, g]), words.group);
  options("architecture", Object.entries(spec.architectures), words.architecture);
  options("sample", spec.samples.map((s, i) => [i, s]), words.sample);
  const on = words.break.split(",");
  $("defects").replaceChildren(...Object.entries(spec.defects).map(([name, d]) => {
    const label = document.createElement("label"), box = document.createElement("input"), text = document.createElement("span"), why = document.createElement("small");
    box.type = "checkbox"; box.setAttribute("role", "switch"); box.id = "break-" + name; box.checked = on.includes(name);
    text.textContent = d.title; why.textContent = d.why;
    box.disabled = Boolean(baked) && words.architecture !== "derived";
    box.addEventListener("change", () => {
      if (spec.alone && box.checked) for (const other of Object.keys(spec.defects)) if (other !== name) $("break-" + other).checked = false;
      state.words.break = Object.keys(spec.defects).filter((k) => $("break-" + k).checked).join();
      reload();
    });
    label.append(box, text, why);
    return label;
  }));
  $("source").textContent = `Samples: ${spec.source}. ${baked ? "" : "Everything stays on this machine."}`;
}

function reload(keepLayer) {
  const asked = state.model ? { motion: dial().name, element: state.element } : {};
  if (keepLayer) asked.layer = state.layer;
  return load(asked).then(() => { $("break-" + explorer.focus)?.focus(); });
}

// the dial

function turnTo(index) {
  state.element = index;
  const d = dial(), slider = $("element");
  slider.max = d.labels.length - 1; slider.value = index; slider.setAttribute("aria-valuetext", d.labels[index]);
  $("label").textContent = d.labels[index];
  $("kind").textContent = !d.law ? "a change that is no symmetry" : !d.members[index] ? `between the elements of ${state.words.group}: interpolated, channels by the nearest one`
    : d.exact[index] ? `an element of ${state.words.group === "C1" || d.shifts ? "the shifts" : state.words.group}, exact on this domain` : `an element of ${state.words.group}, by interpolation`;
  knob(); writeAddress(); drawCurve();
  wanted = index; explorer.asked = performance.now();
  if (!busy) nextFrame();
}

async function nextFrame() {
  busy = true;
  while (wanted !== null) {
    const index = wanted, mine = serial, key = [dial().name, state.layer, index, state.version].join();
    wanted = null;
    const start = performance.now();
    try {
      let frame = frames.get(key);
      if (!frame) {
        frame = await ask("frame", { ...pick(WORDS), motion: dial().name, layer: state.layer, element: index });
        if (mine === serial) frames.set(key, frame);
      }
      if (mine !== serial) continue;
      draw(frame);
      await new Promise((done) => requestAnimationFrame(done));
      explorer.times.push(performance.now() - start);
      if (explorer.times.length > 300) explorer.times.shift();
      const sorted = [...explorer.times].sort((a, b) => a - b);
      $("speed").textContent = `Frame ${Math.round(explorer.times.at(-1))} ms, median ${Math.round(sorted[sorted.length >> 1])} ms.`;
    } catch (error) { if (mine === serial) problem(error); }
  }
  busy = false;
}

function step(by) { const n = dial().labels.length; turnTo((state.element + by + n) % n); }

function ring() {
  const d = dial(), isRing = d.dial === "ring", parts = [];
  $("dial").classList.toggle("ring", isRing);
  if (isRing) {
    parts.push('<circle class="track" r="100"/>');
    d.parameters.forEach((p, i) => {
      const a = p * Math.PI / 180, r = d.members[i] ? 92 : 97;
      if (d.members[i] || i % 3 === 0) parts.push(`<line${d.members[i] ? ' class="member"' : ""} x1="${r * Math.cos(a)}" y1="${r * Math.sin(a)}" x2="${103 * Math.cos(a)}" y2="${103 * Math.sin(a)}"/>`);
    });
    parts.push('<path/><circle class="knob" r="9"/>');
  }
  $("ring").innerHTML = parts.join("");
}

function knob() {
  const d = dial(), mark = $("ring").querySelector(".knob");
  if (!mark) return;
  const p = d.parameters[state.element], a = p * Math.PI / 180;
  mark.setAttribute("cx", 100 * Math.cos(a)); mark.setAttribute("cy", 100 * Math.sin(a));
  $("ring").querySelector("path").setAttribute("d", `M100 0 A100 100 0 ${p > 180 ? 1 : 0} 1 ${100 * Math.cos(a)} ${100 * Math.sin(a)}`);
}

function dragged(event) {
  const d = dial(), box = $("dial").getBoundingClientRect(), n = d.labels.length;
  if (d.dial === "ring") {
    const angle = Math.atan2(event.clientY - box.top - box.height / 2, event.clientX - box.left - box.width / 2) * 180 / Math.PI;
    if (event.type === "pointerdown") explorer.grab = onKnob(angle) ? 0 : angle - d.parameters[state.element];
    turnTo(Math.round(((angle - explorer.grab + 720) % 360) / 360 * n) % n);
  } else {
    if (event.type === "pointerdown") explorer.grab = [event.clientX, state.element];
    const moved = Math.round((event.clientX - explorer.grab[0]) / box.width * n);
    turnTo(d.shifts ? ((explorer.grab[1] + moved) % n + n) % n : Math.max(0, Math.min(n - 1, explorer.grab[1] + moved)));
  }
}

function onKnob(angle) { return Math.abs((angle - dial().parameters[state.element] + 540) % 360 - 180) < 8; }

// drawing

function draw(frame) {
  state.frame = frame;
  const { model, spec } = state, d = dial(), layer = model.layers[state.layer], from = frame.came_from;
  drawFigure($("input"), frame.input, model.places, from, "the moved input");
  drawFigure($("raw"), frame.raw, model.places, from, "features of the moved input");
  drawFigure($("steady"), frame.steady, model.places, null, d.law ? "no way back is known for this layer" : "a change that is no symmetry has no way back");
  for (const box of document.querySelectorAll(".layer-name")) box.textContent = `layer ${state.layer + 1}, ${layer.kind}`;
  const still = $("still"), e = frame.layer_error;
  still.className = "note " + (e === null || !d.law || !d.members[frame.element] || !d.exact[frame.element] ? "" : e <= LIMIT ? "good" : "bad");
  still.innerHTML = e === null ? d.parameters[frame.element] && state.verdict && model.layers[state.layer].shape !== "vector" && d.labels[frame.element].includes("+") ? "this shift is no whole number of cells at this layer" : "no law is known for this layer" : d.law ? `distance from h(x): <b>${number(e)}</b>${e <= LIMIT ? ", it stands still" : ""}` : `h moved by <b>${number(e)}</b>`;
  const list = $("output");
  if (list.children.length !== frame.output.length) list.replaceChildren(...frame.output.map(() => {
    const item = document.createElement("li");
    item.innerHTML = '<span class="name"></span><span class="bar"><i></i><u></u></span><span class="value"></span>';
    return item;
  }));
  frame.output.forEach((p, i) => {
    const item = list.children[i], [name, bar, value] = item.children;
    name.textContent = spec.classes[i]; name.title = spec.classes[i];
    bar.children[0].style.width = 100 * p + "%"; bar.children[1].style.left = 100 * frame.clean[i] + "%";
    value.textContent = p.toFixed(2);
    item.className = (i === frame.guess ? "guess " : "") + (i === model.label ? "true" : "");
  });
  const floor = frame.floor === null ? "" : `; interpolation alone changes the input by ${number(frame.floor)}`;
  $("now").innerHTML = `at ${d.labels[frame.element]}: output <b>${number(frame.error)}</b>${floor}`;
  explorer.drawn = frame.element;
}

function banner() {
  const d = dial(), box = $("verdict"), [head, text] = box.children, { curve } = state;
  if (!d.law) {
    box.className = "verdict"; head.textContent = "no symmetry"; text.textContent = `the output moves by up to ${number(Math.max(...curve.error))}`;
    return;
  }
  const inside = d.labels.map((_, i) => i).filter((i) => d.members[i]), exact = inside.filter((i) => d.exact[i]), between = inside.filter((i) => !d.exact[i]);
  const judged = exact.length > 1 ? exact : inside, worst = Math.max(...judged.map((i) => curve.error[i])), moved = d.labels[judged.find((i) => curve.error[i] === worst)];
  const verdict = worst <= LIMIT ? "exact" : worst <= BROKEN ? "approximate" : "broken";
  const flips = inside.filter((i) => curve.guess[i] !== curve.guess[0]).length;
  box.className = "verdict " + verdict;
  head.textContent = { exact: "✓ exact", approximate: "≈ approximate", broken: "✗ broken" }[verdict];
  text.textContent = `under ${d.shifts ? "shifts" : state.words.group}: worst error ${number(worst)}${worst > LIMIT ? " at " + moved : ""}${judged === exact && between.length ? ` where pixels map to pixels, up to ${number(Math.max(...between.map((i) => curve.error[i])))} by interpolation` : ""}${flips ? `, ${flips} of ${inside.length} answers flip` : ""}`;
}

function chips() {
  const { model, verdict } = state, d = dial(), items = [], culprits = [];
  model.layers.forEach((layer, i) => {
    for (const code of (verdict && d.law && !d.shifts ? verdict.code : []).filter((c) => c.before === i)) { items.push(codeChip(code)); culprits.push([code.where, code]); }
    const item = document.createElement("li"), chip = document.createElement("button"), found = verdict && verdict.layers[i];
    const error = found && (d.shifts ? found.shift : found.intrinsic), bad = found && d.law && (d.shifts ? found.shift_culprit : found.culprit);
    chip.type = "button"; chip.dataset.layer = i; chip.className = !found || !d.law || error === null ? "" : bad ? "bad" : "good";
    chip.setAttribute("aria-pressed", i === state.layer);
    chip.disabled = Boolean(baked) && !(`curve?${query({ ...pick(WORDS), motion: d.name, layer: i })}` in baked.answers);
    chip.title = `${layer.path}: ${layer.field}`;
    const name = document.createElement("b"), size = document.createElement("small"), own = document.createElement("small");
    name.textContent = `${bad ? "✗ " : ""}${layer.kind}`; size.textContent = [layer.field.length > 18 ? layer.field.slice(0, 17) + "…" : layer.field, layer.shape].filter(Boolean).join(", ");
    own.className = "error"; own.textContent = !d.law ? "" : !found ? "auditing…" : error === null ? "no law known" : "error " + number(error);
    chip.append(name, size, own); item.append(chip); items.push(item);
    chip.addEventListener("click", () => { state.layer = i; chips(); frames.clear(); turnTo(state.element); loadCurve(serial).catch(problem); });
    if (bad) culprits.push([`${layer.kind} (${layer.path})`, d.shifts ? { cause: found.shift_cause, remedy: found.shift_remedy } : found]);
  });
  $("layers").replaceChildren(...items);
  $("network").textContent = `${model.network}, ${model.parameters.toLocaleString("en")} parameters; press one to look inside; red ones lose the symmetry by themselves`;
  $("culprits").replaceChildren(...grouped(culprits).slice(0, 4).map(([names, c]) => {
    const box = document.createElement("div"), why = document.createElement("p"), fix = document.createElement("p"), name = document.createElement("b"), word = document.createElement("b");
    box.className = "culprit"; name.textContent = names.join(", "); why.append(name, `: ${c.cause}.`); word.textContent = "Remedy: "; fix.append(word, c.remedy + ".");
    box.append(why, fix);
    return box;
  }));
  const first = $("layers").querySelector(".bad, .code");
  if (first && verdict !== explorer.shown) { $("layers").scrollLeft = first.offsetLeft - $("layers").offsetLeft - 60; explorer.shown = verdict; }
  explorer.judged = Boolean(verdict);
}

function grouped(culprits) {
  const found = new Map();
  for (const [name, c] of culprits) { const key = c.cause + c.remedy; found.has(key) ? found.get(key)[0].push(name) : found.set(key, [[name], c]); }
  return [...found.values()];
}

function codeChip(code) {
  const item = document.createElement("li");
  item.className = "code"; item.textContent = "✗ code in forward"; item.title = code.where;
  return item;
}

function drawCurve() {
  const canvas = $("curve"), { curve } = state, width = canvas.clientWidth, height = canvas.clientHeight, dense = Math.min(2, window.devicePixelRatio || 1);
  if (!width) return;
  canvas.width = width * dense; canvas.height = height * dense;
  const pen = canvas.getContext("2d"), left = 46, right = 8, top = 8, bottom = 24, low = -8, high = 1;
  pen.scale(dense, dense);
  const d = dial(), n = d.labels.length, X = (i) => left + (n > 1 ? i / (n - 1) : .5) * (width - left - right);
  const Y = (e) => top + (high - Math.max(low, Math.min(high, Math.log10(Math.max(e, 1e-12))))) / (high - low) * (height - top - bottom);
  pen.font = "11px system-ui, sans-serif"; pen.textBaseline = "middle"; pen.textAlign = "right"; pen.lineWidth = 1;
  for (let p = low; p <= high; p += 2) {
    pen.strokeStyle = css("--rule"); pen.beginPath(); pen.moveTo(left, Y(10 ** p)); pen.lineTo(width - right, Y(10 ** p)); pen.stroke();
    pen.fillStyle = css("--soft"); pen.fillText(p === 0 ? "1" : `1e${p}`, left - 6, Y(10 ** p));
  }
  pen.textAlign = "center"; pen.textBaseline = "alphabetic";
  const marks = Math.min(n, width > 500 ? 8 : 4);
  for (let k = 0; k < marks; k++) { const i = Math.round(k / marks * n); pen.fillText(d.dial === "ring" ? d.labels[i] : String(d.parameters[i]), X(i), height - 8); }
  if (curve) {
    const band = curve.floor.map((f) => f || 0);
    if (band.some((f) => f)) {
      pen.fillStyle = css("--band"); pen.globalAlpha = .55; pen.beginPath(); pen.moveTo(X(0), Y(0));
      band.forEach((f, i) => pen.lineTo(X(i), Y(f))); pen.lineTo(X(n - 1), Y(0)); pen.fill(); pen.globalAlpha = 1;
    }
    for (const [name, colour, size] of [["layer_error", "--second", 1.6], ["error", "--first", 2.2]]) {
      pen.strokeStyle = pen.fillStyle = css(colour); pen.lineWidth = size; pen.beginPath();
      let open = false;
      curve[name].forEach((e, i) => { if (e === null) { open = false; return; } open ? pen.lineTo(X(i), Y(e)) : pen.moveTo(X(i), Y(e)); open = true; });
      if (n > 3) pen.stroke();
      curve[name].forEach((e, i) => { if (e !== null && (d.members[i] || n < 30)) { pen.beginPath(); pen.arc(X(i), Y(e), name === "error" ? 3.2 : 2.4, 0, 7); pen.fill(); } });
    }
  }
  pen.strokeStyle = css("--good"); pen.setLineDash([4, 4]); pen.lineWidth = 1; pen.beginPath(); pen.moveTo(left, Y(LIMIT)); pen.lineTo(width - right, Y(LIMIT)); pen.stroke(); pen.setLineDash([]);
  pen.fillStyle = css("--good"); pen.textAlign = "left"; pen.fillText("rounding", left + 4, Y(LIMIT) + 13);
  pen.strokeStyle = css("--ink"); pen.lineWidth = 1.5; pen.beginPath(); pen.moveTo(X(state.element), top); pen.lineTo(X(state.element), height - bottom); pen.stroke();
}

// training

function lesson(progress) {
  const text = progress.steps ? `${progress.steps} steps, ${Math.round(100 * progress.right)} % right on the last batches${progress.running ? `, ${Math.ceil(progress.left)} s left` : ""}` : state.words.architecture === "augmented" ? "untrained: the same as plain until it is trained" : "random weights: the law holds, or fails, before any training";
  $("progress").textContent = text;
  clearTimeout(timer);
  if (progress.running && !baked) timer = setTimeout(follow, 700);
}

async function follow() {
  const mine = serial;
  try {
    const progress = await ask("progress", pick(WORDS));
    if (mine !== serial) return;
    if (progress.version !== state.version) {
      state.version = progress.version; frames.clear(); turnTo(state.element);
      if (!progress.running) { await loadCurve(mine); await loadVerdict(mine); }
    }
    lesson(progress);
  } catch (error) { problem(error); }
}

// hands

for (const id of ["domain", "group", "architecture", "sample"]) $(id).addEventListener("change", () => {
  state.words[id] = $(id).value;
  if (baked) state.words.break = "";
  if (id === "domain") { Object.assign(state.words, { group: "", sample: "0", break: "" }); load({}); } else reload();
});
$("choices").addEventListener("submit", (event) => event.preventDefault());
$("motion").addEventListener("change", () => { state.motion = Number($("motion").value); state.element = 0; state.curve = null; ring(); chips(); turnTo(0); loadCurve(serial).catch(problem); });
$("element").addEventListener("input", () => turnTo(Number($("element").value)));
$("back").addEventListener("click", () => step(-1));
$("on").addEventListener("click", () => step(1));
$("play").addEventListener("click", () => {
  clearInterval(playing); playing = playing ? 0 : setInterval(() => { if (!busy) step(1); }, dial().labels.length > 30 ? 90 : 500);
  $("play").setAttribute("aria-pressed", Boolean(playing)); $("play").textContent = playing ? "stop" : "play";
});
$("train").addEventListener("click", async () => { try { lesson(await ask("train", { ...pick(WORDS), seconds: 10 }, "POST")); } catch (error) { problem(error); } });
$("dial").addEventListener("pointerdown", (event) => { if (!state.model) return; $("dial").setPointerCapture(event.pointerId); dragged(event); });
$("dial").addEventListener("pointermove", (event) => { if ($("dial").hasPointerCapture(event.pointerId)) dragged(event); });
for (const name of ["pointerdown", "pointermove"]) $("curve").addEventListener(name, (event) => {
  if (!state.model || !event.buttons) return;
  const box = $("curve").getBoundingClientRect(), n = dial().labels.length;
  turnTo(Math.max(0, Math.min(n - 1, Math.round((event.clientX - box.left - 46) / (box.width - 54) * (n - 1)))));
});
document.addEventListener("keydown", (event) => {
  if (!state.model || event.altKey || event.ctrlKey || event.metaKey || ["INPUT", "SELECT"].includes(event.target.tagName)) return;
  if (event.key === "ArrowRight" || event.key === "ArrowLeft") { step(event.key === "ArrowRight" ? 1 : -1); event.preventDefault(); }
});
document.addEventListener("focusin", (event) => { explorer.focus = event.target.id && event.target.id.startsWith("break-") ? event.target.id.slice(6) : ""; });
window.addEventListener("resize", () => { if (state.frame) { draw(state.frame); drawCurve(); } });
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (state.frame) { draw(state.frame); drawCurve(); } });

async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return JSON.parse(await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))).text());
}

(async () => {
  const data = JSON.parse($("baked").textContent);
  if (data) {
    baked = await unpack(data.deflated);
    for (const found of Object.values(baked.answers)) for (const name of ["input", "raw", "steady"]) if (typeof found[name] === "number") found[name] = baked.figures[found[name]];
    $("train").hidden = true; state.words = { ...data.words };
  }
  load({ ...readAddress(), first: true });
})().catch(problem);
