// The server sends the header every few seconds. Where it does not, as after a laptop's sleep, the page loads itself again
// once the server answers, and shows the run as it is by then. (Gradio does so only for a connection it has seen break.)
const SILENT = 20000, EVERY = 2000, SLEPT = 3 * EVERY;
const {root, api_prefix = ''} = window.gradio_config;
let heard = Date.now(), looked = Date.now(), spared = false;
watch('value', () => { heard = Date.now(); spared = false; });
const clock = setInterval(async () => {
    if (!element.isConnected) return clearInterval(clock);
    const now = Date.now(), slept = now - looked > SLEPT;
    looked = now;
    if (slept && !spared) {  // just awake: what was sent meanwhile may still arrive
        heard = Math.max(heard, now - SILENT / 2);
        spared = true;
    }
    if (now - heard < SILENT) return;
    const answered = await fetch(`${root}${api_prefix}/app_id`).then((answer) => answer.ok, () => false);
    if (answered && Date.now() - heard >= SILENT) location.reload();
}, EVERY);
