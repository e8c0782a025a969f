// The last 30 seconds of frames, and a place in them. Pure: no document, no clock.

import { lately, steps } from "./steps.js";

const MOST_FRAMES = 600;
const LONGEST_MS = 30_000;

/** Frames in the order in which they came. While it is paused, frames are not kept, so the place stays. */
export class History {
  frames = [];
  /** The frame that is shown, and how many of the steps to the next one have been made. */
  at = 0;
  step = 0;
  isPaused = false;

  /** Takes a new frame. */
  push(frame) {
    if (this.isPaused) return;
    this.frames.push(frame);
    while (this.frames.length > MOST_FRAMES || this.frames[0].at_ms < frame.at_ms - LONGEST_MS) this.frames.shift();
    this.at = this.frames.length - 1;
  }

  pause() {
    this.isPaused = true;
    this.at = Math.max(0, this.frames.length - 1);
    this.step = 0;
  }

  /** In a pause: takes all frames up to the one that is shown, because this browser may have skipped some. */
  fill(frames) {
    const shown = this.frames[this.at];
    if (!this.isPaused || !shown) return;
    const past = frames.filter((it) => it.at_ms <= shown.at_ms && it.at_ms >= shown.at_ms - LONGEST_MS);
    if (past.at(-1)?.at_ms !== shown.at_ms) return;
    this.frames = past;
    this.at = past.length - 1;
    this.step = 0;
  }

  goOn() {
    this.isPaused = false;
    this.step = 0;
    this.at = Math.max(0, this.frames.length - 1);
  }

  /** Shows the frame number `at`. */
  go(at) {
    this.at = Math.min(Math.max(0, at), this.frames.length - 1);
    this.step = 0;
  }

  /** One step on or back. Returns whether there was one. */
  move(by) {
    return by > 0 ? this.#on() : this.#back();
  }

  #stepsFrom(at) {
    return at + 1 < this.frames.length ? steps(this.frames[at], this.frames[at + 1]) : [];
  }

  #on() {
    for (let at = this.at; at + 1 < this.frames.length; at += 1) {
      const count = this.#stepsFrom(at).length;
      const step = at === this.at ? this.step + 1 : 1;
      if (step <= count) {
        [this.at, this.step] = [at, step];
        return true;
      }
    }
    return false;
  }

  #back() {
    if (this.step > 1) {
      this.step -= 1;
      return true;
    }
    for (let at = this.at - 1; at >= 0; at -= 1) {
      const count = this.#stepsFrom(at).length;
      if (count > 0) {
        [this.at, this.step] = [at, count];
        return true;
      }
    }
    return false;
  }

  /** What is shown: {slots, words}; the words tell the step, if one has been made. */
  shown() {
    const frame = this.frames[this.at];
    if (!frame) return { slots: [null, null], words: null };
    const made = this.step > 0 ? this.#stepsFrom(this.at)[this.step - 1] : null;
    return { slots: made?.slots ?? frame.slots.map(lately), words: made?.words ?? null, slot: made?.slot };
  }

  /** Seconds before the newest frame. */
  ageSeconds() {
    const last = this.frames.at(-1);
    return last ? (last.at_ms - this.frames[this.at].at_ms) / 1000 : 0;
  }
}
