// The slider under a picture: one frame a motion. Without scripts the first frame stands there, and nothing else is lost.
for (const box of document.querySelectorAll(".frames")) {
  const frames = [...box.querySelectorAll(".frame")];
  const slider = box.querySelector("input");
  const said = box.querySelector("output");
  const show = () => {
    frames.forEach((frame, i) => { frame.hidden = i !== Number(slider.value); });
    said.textContent = frames[slider.value].dataset.label;
    slider.setAttribute("aria-valuetext", said.textContent);
  };
  box.querySelector(".dial").hidden = false;
  slider.addEventListener("input", show);
  show();
}
