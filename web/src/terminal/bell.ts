// The tone of a bell. It must not know terminals.

const TONE_HZ = 660;
const TONE_S = 0.12;
/** A program may ring without end. */
const PAUSE_MS = 250;

let context: AudioContext | undefined;
let last = 0;

/** Nothing is heard before a person has touched the page: browsers ask for that. */
export function playBell(): void {
  if (Date.now() - last < PAUSE_MS) {
    return;
  }
  last = Date.now();
  context ??= new AudioContext();
  const tone = context.createOscillator();
  const volume = context.createGain();
  const now = context.currentTime;
  tone.frequency.value = TONE_HZ;
  volume.gain.setValueAtTime(0.08, now);
  volume.gain.exponentialRampToValueAtTime(0.001, now + TONE_S);
  tone.connect(volume).connect(context.destination);
  tone.start(now);
  tone.stop(now + TONE_S);
}
