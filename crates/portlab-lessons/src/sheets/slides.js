// Keys turn the slides. Without this script they scroll.
const slides = [...document.querySelectorAll(".slide")];
const current = () => slides.findIndex((slide) => slide.getBoundingClientRect().bottom > innerHeight / 2);
const steps = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, Enter: 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1, Backspace: -1, Home: -Infinity, End: Infinity };
addEventListener("keydown", (event) => {
  const step = steps[event.key];
  if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const place = Math.max(0, Math.min(slides.length - 1, current() + (event.shiftKey ? -step : step)));
  slides[place].scrollIntoView();
});
