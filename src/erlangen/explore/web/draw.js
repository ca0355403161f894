"use strict";
// Figures: small arrays of signed bytes, drawn on canvases.
const GREYS = [[16, 18, 24], [250, 250, 247]];
const HEAT = [[15, 17, 38], [59, 39, 105], [140, 41, 104], [214, 84, 66], [247, 161, 55], [252, 246, 190]];
const SIGNED = [[33, 72, 138], [126, 170, 212], [247, 247, 245], [222, 145, 112], [150, 36, 40]];
const KINDS = ["#4f8fd0", "#e0913f", "#6aa84f", "#b268b8", "#d0605e", "#8a8f98", "#c9b037"];
const LETTERS = { A: "#3f9b4f", C: "#2f7fd0", G: "#d99a1c", T: "#cf4b45" };
const bytes = new WeakMap();

function css(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

function table(anchors) {
  const found = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (anchors.length - 1), k = Math.min(Math.floor(at), anchors.length - 2), part = at - k;
    for (let c = 0; c < 3; c++) found[3 * i + c] = anchors[k][c] * (1 - part) + anchors[k + 1][c] * part;
  }
  return found;
}
const TABLES = { greys: table(GREYS), heat: table(HEAT), signed: table(SIGNED) };

function values(part) {
  if (!bytes.has(part)) {
    const text = part.text || atob(part.data), zero = part.text ? 160 : 0, found = new Int8Array(text.length);
    for (let i = 0; i < text.length; i++) found[i] = text.charCodeAt(i) - zero;
    bytes.set(part, found);
  }
  return bytes.get(part);
}

const sheet = document.createElement("canvas");
function paintMap(context, x, from, h, w, colours, signed, left, top, width, height) {
  sheet.width = w; sheet.height = h;
  const pen = sheet.getContext("2d"), picture = pen.createImageData(w, h);
  for (let i = 0; i < h * w; i++) {
    const v = x[from + i], at = 3 * (signed ? v + 128 : Math.max(0, Math.min(255, 2 * v)));
    picture.data[4 * i] = colours[at]; picture.data[4 * i + 1] = colours[at + 1]; picture.data[4 * i + 2] = colours[at + 2];
    picture.data[4 * i + 3] = 255;
  }
  pen.putImageData(picture, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(sheet, left, top, width, height);
}

function prepare(canvas, ratio) {
  const width = Math.max(40, canvas.clientWidth || canvas.parentElement.clientWidth), dense = Math.min(2, window.devicePixelRatio || 1);
  const height = Math.max(1, Math.round(width * ratio));
  if (canvas.width !== Math.round(width * dense) || canvas.height !== Math.round(height * dense)) {
    canvas.width = Math.round(width * dense); canvas.height = Math.round(height * dense); canvas.style.height = height + "px";
  }
  const context = canvas.getContext("2d");
  context.setTransform(dense, 0, 0, dense, 0, 0);
  context.clearRect(0, 0, width, height);
  return [context, width, height];
}

const PAINTERS = {
  image(canvas, part) {
    const [h, w] = part.shape, [context, width, height] = prepare(canvas, h / w), x = values(part);
    paintMap(context, x, 0, h, w, TABLES.greys, false, 0, 0, width, height);
  },
  maps(canvas, part) {
    const [n, h, w] = part.shape, columns = Math.min(part.columns, n > 3 ? 8 : n), rows = Math.ceil(n / columns), gap = 3;
    const named = part.labels.length === columns, head = named ? 15 : 0, width0 = canvas.clientWidth || 300;
    const side = (width0 - gap * (columns - 1)) / columns, tall = side * h / w;
    const [context] = prepare(canvas, (head + rows * tall + gap * (rows - 1)) / width0), x = values(part), signed = part.signed;
    if (named) {
      context.fillStyle = css("--soft"); context.font = "11px system-ui, sans-serif"; context.textAlign = "center";
      part.labels.forEach((text, i) => context.fillText(text, i * (side + gap) + side / 2, 10, side));
    }
    for (let i = 0; i < n; i++) {
      const left = (i % columns) * (side + gap), top = head + Math.floor(i / columns) * (tall + gap);
      paintMap(context, x, i * h * w, h, w, signed ? TABLES.signed : TABLES.heat, signed, left, top, side, tall);
    }
  },
  arrows(canvas, part) {
    const [n, , h, w] = part.shape, gap = 3, width0 = canvas.clientWidth || 300, side = (width0 - gap * (n - 1)) / n;
    const [context] = prepare(canvas, side * h / w / width0), x = values(part), cell = side / w;
    for (let k = 0; k < n; k++) {
      const left = k * (side + gap);
      context.fillStyle = css("--plot"); context.fillRect(left, 0, side, side * h / w);
      context.strokeStyle = "#f0a95c"; context.lineWidth = Math.max(1, cell / 7); context.beginPath();
      for (let i = 0; i < h; i++) for (let j = 0; j < w; j++) {
        const at = (2 * k * h + i) * w + j, u = x[at] / 127, v = x[at + h * w] / 127;
        if (u * u + v * v < 1e-3) continue;
        const a = left + (j + .5) * cell, b = (i + .5) * cell, c = a + u * cell * 1.1, d = b + v * cell * 1.1, e = Math.atan2(v, u);
        const tip = Math.min(cell / 3, Math.hypot(u, v) * cell / 2);
        context.moveTo(a, b); context.lineTo(c, d);
        context.moveTo(c - tip * Math.cos(e - .6), d - tip * Math.sin(e - .6)); context.lineTo(c, d); context.lineTo(c - tip * Math.cos(e + .6), d - tip * Math.sin(e + .6));
      }
      context.stroke();
    }
  },
  rows(canvas, part) {
    const [c, n] = part.shape, [context, width, height] = prepare(canvas, Math.min(1, Math.max(.5, c / n * .9))), x = values(part), signed = part.signed;
    const gap = part.together > 1 ? 3 : 0, groups = c / part.together, tall = (height - gap * (groups - 1)) / groups;
    for (let k = 0; k < groups; k++)
      paintMap(context, x, k * part.together * n, part.together, n, signed ? TABLES.signed : TABLES.heat, signed, 0, k * (tall + gap), width, tall);
  },
  traces(canvas, part) {
    const [c, n] = part.shape, [context, width, height] = prepare(canvas, c > 1 ? .95 : .6), x = values(part), tall = height / c;
    for (let k = 0; k < c; k++) {
      context.strokeStyle = css("--rule"); context.lineWidth = 1;
      context.beginPath(); context.moveTo(0, (k + .5) * tall); context.lineTo(width, (k + .5) * tall); context.stroke();
      context.strokeStyle = css(Math.floor(k / part.together) % 2 ? "--second" : "--first"); context.lineWidth = 1.6; context.beginPath();
      for (let i = 0; i < n; i++) {
        const a = (i + .5) / n * width, b = (k + .5) * tall - x[k * n + i] / 127 * tall * .48;
        i ? context.lineTo(a, b) : context.moveTo(a, b);
      }
      context.stroke();
    }
  },
  letters(canvas, part) {
    const line = 12, n = part.letters.length, rows = Math.ceil(n / line), [context, width] = prepare(canvas, rows / line * 1.15), side = width / line, tall = side * 1.15;
    context.textAlign = "center"; context.textBaseline = "middle"; context.font = `600 ${Math.round(side * .62)}px ui-monospace, "DejaVu Sans Mono", monospace`;
    for (let i = 0; i < n; i++) {
      const a = (i % line) * side, b = Math.floor(i / line) * tall;
      context.fillStyle = LETTERS[part.letters[i]] || "#888"; context.globalAlpha = .18; context.fillRect(a + 1, b + 1, side - 2, tall - 2);
      context.globalAlpha = 1; context.fillText(part.letters[i], a + side / 2, b + tall / 2);
    }
  },
  nodes(canvas, part, places, from) {
    const n = part.shape[0], [context, width, height] = prepare(canvas, .9), x = values(part), r = Math.max(8, width / 26), pad = r + 2;
    const where = (i) => { const p = places[from ? from[i] : i] || [.5, .5]; return [pad + p[0] * (width - 2 * pad), pad + p[1] * (height - 2 * pad)]; };
    context.strokeStyle = css("--soft"); context.lineWidth = 1.6; context.beginPath();
    for (const [a, b] of part.edges) { context.moveTo(...where(a)); context.lineTo(...where(b)); }
    context.stroke();
    context.textAlign = "center"; context.textBaseline = "middle"; context.font = `600 ${Math.round(r * .95)}px system-ui, sans-serif`;
    for (let i = 0; i < n; i++) {
      const [a, b] = where(i), v = Math.max(0, Math.min(255, 2 * x[i])), heat = TABLES.heat;
      context.fillStyle = part.name ? `rgb(${heat[3 * v]},${heat[3 * v + 1]},${heat[3 * v + 2]})` : KINDS[Math.round(x[i] / 127 * part.scale) % KINDS.length];
      context.beginPath(); context.arc(a, b, r, 0, 2 * Math.PI); context.fill();
      context.strokeStyle = css("--card"); context.lineWidth = 2; context.stroke();
      context.fillStyle = part.name && v > 170 ? "#222" : "#fff"; context.fillText(String(i), a, b + .5);
    }
  },
  adjacency(canvas, part) {
    const [n] = part.shape, [context, width, height] = prepare(canvas, .62), side = Math.min(width, height) / n, x = values(part);
    context.fillStyle = css("--faint"); context.fillRect(0, 0, side * n, side * n); context.fillStyle = css("--first");
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (x[i * n + j] > 0) context.fillRect(j * side + .5, i * side + .5, side - 1, side - 1);
  },
  bars(canvas, part) {
    const [n] = part.shape, [context, width, height] = prepare(canvas, .5), x = values(part), step = width / n;
    context.strokeStyle = css("--rule"); context.beginPath(); context.moveTo(0, height / 2); context.lineTo(width, height / 2); context.stroke();
    context.fillStyle = css("--first");
    for (let i = 0; i < n; i++) { const t = x[i] / 127 * height * .48; context.fillRect(i * step + step * .12, height / 2 - Math.max(t, 0), step * .76, Math.abs(t)); }
  },
};

function drawFigure(holder, figure, places, from, words) {
  const parts = figure ? figure.parts : [], key = parts.map((p) => p.kind).join();
  if (holder.dataset.key !== key || !parts.length) {
    holder.replaceChildren(); holder.dataset.key = key;
    if (!parts.length) { const p = document.createElement("p"); p.className = "none"; p.textContent = words; holder.append(p); return; }
    for (const part of parts) {
      const box = document.createElement("figure"), canvas = document.createElement("canvas"), caption = document.createElement("figcaption");
      canvas.setAttribute("role", "img"); box.append(canvas, caption); holder.append(box);
    }
    holder.classList.toggle("several", parts.length === 3 && parts.every((p) => p.kind === "image"));
  }
  parts.forEach((part, i) => {
    const [canvas, caption] = holder.children[i].children;
    caption.textContent = part.name || ""; caption.hidden = !part.name;
    canvas.setAttribute("aria-label", part.name || words);
    PAINTERS[part.kind](canvas, part, places || [], from);
  });
}
