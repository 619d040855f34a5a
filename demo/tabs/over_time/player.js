// Moves through the history of a run. The value is the JSON of `history_json` in time_view.py; `film` is it, parsed, and
// `at` is the place of the frame that is shown. A newer value of the same run leaves the player where it stands, unless
// it stood at the end: then it follows.
const find = (name) => element.querySelector(name);
const player = find('.time-player'), slider = find('input'), play = find('.play');
const LOOK_EVERY = 2000, FILM_LASTS = 12000, FASTEST = 250, SLOWEST = 900;  // milliseconds
let film = null, at = 0, playing = 0, largest = 1;

const count = (number) => number.toLocaleString('en-US');
const percent = (share, digits) => (100 * share).toFixed(digits) + '\u00a0%';
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

function make(tag, parent, text = '', attributes = {}) {
    const node = document.createElement(tag);
    node.textContent = text;
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    parent.append(node);
    return node;
}

function bar(row, name) {
    make('th', row, name, {scope: 'row'});
    make('div', make('div', make('td', row), '', {class: 'bar'}));
    make('td', row, '', {class: 'number'});
}

function setBar(row, share) {
    row.querySelector('.bar > div').style.width = (100 * (share || 0)).toFixed(1) + '%';
    row.querySelector('.number').textContent = share === null ? '–' : percent(share, 0);
}

// What stays the same in all frames of a run is made once; `show` then changes numbers, widths and colours alone.
function build() {
    const {classes, pictures, truths} = film;
    const tiles = find('.tiles'), bars = find('.bars'), table = find('.said-table'), cards = find('.time-pictures');
    for (const part of [tiles, bars, table, cards]) part.replaceChildren();
    for (let filter = 0; filter < 6; filter++) make('canvas', tiles, '', {width: 5, height: 5, role: 'img'});
    for (const name of classes) bar(make('tr', bars), name);

    const top = make('tr', make('thead', table));
    make('th', top, 'truth ↓ says →', {scope: 'col', class: 'corner'});
    for (const name of classes) make('span', make('th', top, '', {scope: 'col'}), name);
    const body = make('tbody', table);
    for (const name of classes) {
        const row = make('tr', body);
        make('th', row, name, {scope: 'row'});
        for (const other of classes) make('td', row, '', {class: other === name ? 'right' : ''});
    }
    const all = make('tr', make('tfoot', table));
    make('th', all, 'all', {scope: 'row'});
    for (const _ of classes) make('td', all);

    pictures.forEach((picture, index) => {
        const card = make('article', cards), truth = classes[truths[index]];
        const left = make('div', card);
        make('img', left, '', {src: picture, alt: `Test image ${index}, a ${truth}, enlarged`});
        make('button', left, 'Look inside', {type: 'button', 'data-index': index});
        const right = make('div', card);
        make('p', right, 'truth: ').append(make('b', right, truth));
        make('p', right, '', {class: 'answer-line'});
        const answers = make('table', right, '', {class: 'bars'});
        for (const name of classes) bar(make('tr', answers, '', {class: name === truth ? 'best' : ''}), name);
    });
}

function drawFilter(canvas, weights, number) {
    const pen = canvas.getContext('2d'), image = pen.createImageData(5, 5);
    for (let place = 0; place < 25; place++) {
        for (let colour = 0; colour < 3; colour++)
            image.data[4 * place + colour] = Math.round(128 + 127 * weights[25 * colour + place] / largest);
        image.data[4 * place + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
    const low = Math.min(...weights).toFixed(2), high = Math.max(...weights).toFixed(2);
    canvas.setAttribute('aria-label', `Filter ${number}: weights from ${low} to ${high}`);
}

function momentOf({step, images}, accuracy, total) {
    const seen = `accuracy ${percent(accuracy, 1)} on ${count(total)} test images`;
    if (!step) return `Before training: random weights, ${seen}`;
    const epoch = Math.min(film.epochs, Math.ceil(images / film.perEpoch)), one = step === 1 ? 'mini-batch' : 'mini-batches';
    return `After ${count(step)} ${one}, ${count(images)} images (epoch ${epoch} of ${film.epochs}): ${seen}`;
}

function show() {
    const frame = film.frames[at], {classes, truths, shades, frames} = film, {confusion} = frame;
    const totals = confusion.map(sum), total = sum(totals), right = sum(confusion.map((row, i) => row[i]));
    const moment = momentOf(frame, right / total, total);
    slider.max = frames.length - 1;
    slider.value = at;
    slider.setAttribute('aria-valuetext', moment);
    find('.moment').textContent = `Moment ${at + 1} of ${frames.length}. ${moment}.`;
    find('.earlier').setAttribute('aria-disabled', at === 0);
    find('.later').setAttribute('aria-disabled', at === frames.length - 1);

    element.querySelectorAll('.tiles canvas').forEach((canvas, i) => drawFilter(canvas, frame.filters[i], i + 1));
    element.querySelectorAll('.time-classes tr').forEach((row, i) =>
        setBar(row, totals[i] ? confusion[i][i] / totals[i] : null));
    element.querySelectorAll('.said-table tbody tr').forEach((row, i) => row.querySelectorAll('td').forEach((cell, j) => {
        const share = totals[i] ? confusion[i][j] / totals[i] : 0;
        cell.textContent = confusion[i][j];
        cell.className = `shade-${shades.filter((from) => share >= from).length}${i === j ? ' right' : ''}`;
    }));
    const said = classes.map((_, j) => sum(confusion.map((row) => row[j]))), most = said.indexOf(Math.max(...said));
    element.querySelectorAll('.said-table tfoot td').forEach((cell, j) => cell.textContent = said[j]);
    const none = said.filter((times) => times === 0).length;
    find('.said').textContent = `Most often it says ${classes[most]}: for ${count(said[most])} of ${count(total)} images.`
        + (none ? ` ${none} of the ${classes.length} classes it never says.` : ' It says every class at least once.');
    find('.counted').textContent = `The bars and the table count the same ${count(total)} test images at every moment.`
        + (total < film.tested ? ` A finished run is tested on all ${count(film.tested)}, so its result may differ a little.` : '');

    element.querySelectorAll('.time-pictures article').forEach((card, index) => {
        const answers = frame.answers[index], best = answers.indexOf(Math.max(...answers));
        const mark = best === truths[index] ? '✓ right' : '✗ wrong';
        card.querySelector('.answer-line').textContent = `says ${classes[best]} ${mark}`;
        card.querySelectorAll('tr').forEach((row, i) => setBar(row, answers[i]));
        card.querySelector('button').setAttribute('aria-label',
            `Look inside the Net of this moment for test image ${index}, a ${classes[truths[index]]}`);
    });
}

function go(place) {
    at = Math.max(0, Math.min(film.frames.length - 1, place));
    show();
}

function pause() {
    clearInterval(playing);
    playing = 0;
    play.textContent = 'Play';
}

function start() {
    if (at >= film.frames.length - 1) go(0);
    play.textContent = 'Pause';
    playing = setInterval(() => {
        if (!element.isConnected || at >= film.frames.length - 1) return pause();
        go(at + 1);
    }, Math.max(FASTEST, Math.min(SLOWEST, FILM_LASTS / film.frames.length)));
}

function receive() {
    const old = film;
    film = props.value ? JSON.parse(props.value) : null;
    player.hidden = !(film && film.frames.length);
    if (player.hidden) return pause();
    largest = Math.max(...film.frames.flatMap((frame) => frame.filters.flat().map(Math.abs))) || 1;
    const same = old && old.run === film.run && old.frames.length;
    if (!same) pause();
    if (!same || String(old.classes) !== String(film.classes)) build();
    const last = film.frames.length - 1;
    if (!same || (at === old.frames.length - 1 && !playing)) return go(last);
    // the same moment as before; where it was dropped, the one before it
    const step = old.frames[at].step;
    go(film.frames.filter((frame) => frame.step <= step).length - 1);
}

slider.addEventListener('input', () => { pause(); go(+slider.value); });
element.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    if (button === play) return playing ? pause() : start();
    if (button.dataset.index)
        return trigger('open', {run: film.run, step: film.frames[at].step, index: Number(button.dataset.index)});
    pause();
    go(at + (button.matches('.later') ? 1 : -1));
});
// asked for only while somebody can see it: a page on another tab sends nothing, nor does one whose run has ended
const looking = setInterval(() => {
    if (!element.isConnected) return clearInterval(looking);
    if (film && film.going && !document.hidden && element.checkVisibility())
        trigger('look', {run: film.run, version: film.version});
}, LOOK_EVERY);
watch('value', receive);
receive();
