// Moves through the frames of a run. The value is the JSON of `timeline_json` in timeline.py; `timeline` is it, parsed,
// and `at` is the place of the frame that is shown. A newer value of the same run leaves the player where it stands,
// unless it stood at the end: then it follows.
const find = (name) => element.querySelector(name), all = (name, root = element) => [...root.querySelectorAll(name)];
const player = find('.time-player'), slider = find('input'), playButton = find('.play'), view = find('.time-view');
const LOOK_EVERY = 2000, PLAY_LASTS = 12000, FASTEST = 250, SLOWEST = 900;  // milliseconds
let timeline = null, at = 0, playing = 0;

function setBars(root, shares) {
    all('.bars tr', root).forEach((row, i) => {
        row.querySelector('.bar > div').style.width = (100 * (shares[i] || 0)).toFixed(1) + '%';
        row.querySelector('.number').textContent = shares[i] === null ? '–' : (100 * shares[i]).toFixed(0) + '\u00a0%';
    });
}

function show() {
    const frame = timeline.frames[at], last = timeline.frames.length - 1;
    slider.max = last;
    slider.value = at;
    slider.setAttribute('aria-valuetext', frame.title);
    find('.frame-line').textContent = `Frame ${at + 1} of ${last + 1}. ${frame.title}.`;
    find('.earlier').setAttribute('aria-disabled', at === 0);
    find('.later').setAttribute('aria-disabled', at === last);
    all('.filter-strip img').forEach((image, i) => { [image.src, image.alt] = frame.filters[i]; });
    setBars(find('.time-classes'), frame.accuracies);
    all('.confusion .count').forEach((cell, i) => {
        cell.textContent = frame.counts[i];
        cell.className = `count shade-${frame.shades[i]}`;
    });
    all('.confusion tfoot td').forEach((cell, i) => { cell.textContent = frame.totals[i]; });
    find('.most').textContent = frame.most;
    all('article').forEach((card, i) => {
        card.querySelector('.prediction-line').textContent = frame.images[i].line;
        setBars(card, frame.images[i].shares);
    });
}

function go(place) {
    at = Math.max(0, Math.min(timeline.frames.length - 1, place));
    show();
}

function pause() {
    clearInterval(playing);
    playing = 0;
    playButton.textContent = 'Play';
}

function play() {
    if (at >= timeline.frames.length - 1) go(0);
    playButton.textContent = 'Pause';
    playing = setInterval(() => {
        if (!element.isConnected || at >= timeline.frames.length - 1) return pause();
        go(at + 1);
    }, Math.max(FASTEST, Math.min(SLOWEST, PLAY_LASTS / timeline.frames.length)));
}

function receive() {
    const old = timeline;
    timeline = props.value ? JSON.parse(props.value) : null;
    player.hidden = !timeline?.frames.length;
    if (player.hidden) return pause();
    if (timeline.view !== old?.view) view.innerHTML = timeline.view;
    const last = timeline.frames.length - 1;
    if (old?.run !== timeline.run || !old.frames.length) {
        pause();
        return go(last);
    }
    if (at === old.frames.length - 1 && !playing) return go(last);
    // the same frame as before; where it is no longer stored, the one before it
    const step = old.frames[at].step;
    go(timeline.frames.filter((frame) => frame.step <= step).length - 1);
}

slider.addEventListener('input', () => { pause(); go(+slider.value); });
element.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    if (button === playButton) return playing ? pause() : play();
    if (button.dataset.index)
        return trigger('open', {run: timeline.run, step: timeline.frames[at].step, index: Number(button.dataset.index)});
    pause();
    go(at + (button.matches('.later') ? 1 : -1));
});
// asked for only while somebody can see it: a page on another tab sends nothing, nor does one whose run has ended
const looking = setInterval(() => {
    if (!element.isConnected) return clearInterval(looking);
    if (timeline?.going && !document.hidden && element.checkVisibility())
        trigger('look', {run: timeline.run, version: timeline.version});
}, LOOK_EVERY);
watch('value', receive);
receive();
