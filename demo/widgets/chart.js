// Draws curves on a canvas. The value is text (see chart.py), made of parts that end in a semicolon:
//   epochs,images an epoch[,lowest loss,highest loss,lowest accuracy,highest accuracy,classes];   the axes
//   s,solid|dashed,name;         a further series begins (a live chart has one, without this part)
//   step,images,loss,mean;       a point of a live chart
//   epochs,mean;                 a point of a series
//   a,images or epochs,share;    a point of the accuracy
//   c,images,what;               a setting was changed
const chart = element.querySelector('.chart'), live = chart.classList.contains('live');
const canvases = [...chart.querySelectorAll('canvas')];

function parse(text) {
    const [head, ...parts] = (text || '').split(';').slice(0, -1);
    const [epochs, unit, low, high, lowest, best, classes] = (head || '0,1').split(',').map(Number);
    const begin = (name, dashed) => ({name, dashed, steps: [], points: [], means: [], shares: [], changes: []});
    const series = live ? [begin('', false)] : [];
    for (const part of parts) {
        const [kind, a, b, c] = part.split(','), one = series.at(-1);
        if (kind === 's') series.push(begin(decodeURIComponent(b), a === 'dashed'));
        else if (kind === 'a') one.shares.push([a / unit, +b]);
        else if (kind === 'c') one.changes.push([a / unit, b]);
        else if (live) {
            one.steps.push(+kind);
            one.points.push([a / unit, +b]);
            one.means.push([a / unit, +c]);
        } else one.means.push([+kind, +a]);
    }
    series.forEach((one, place) => { one.colour = `--series-${place % 5}`; });
    return {epochs, loss: [low, high], accuracy: [lowest, best], classes, series};
}

const percent = (share) => (100 * share).toFixed(1) + ' %';
const lossWords = (loss) => loss < 100 ? loss.toFixed(3) : Math.round(loss).toLocaleString('en');

// A pen, and where epochs and heights lie; nothing while the canvas cannot be seen.
function paper(canvas, epochs, [low, high], margin) {
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height) return null;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const style = getComputedStyle(canvas), pen = canvas.getContext('2d');
    pen.scale(ratio, ratio);
    pen.font = '12px ' + style.fontFamily;
    pen.lineJoin = 'round';
    const left = 46, right = width - margin, top = live ? 26 : 12, bottom = height - 34;
    return {
        pen, width, left, right, top, bottom, low, high,
        colour: (name) => style.getPropertyValue(name),
        x: (epoch) => left + (right - left) * epoch / (epochs || 1),
        y: (value) => bottom - (bottom - top) * (Math.min(value, high) - low) / (high - low),
    };
}

function line({pen}, x0, y0, x1, y1, dash = []) {
    pen.setLineDash(dash);
    pen.beginPath(); pen.moveTo(x0, y0); pen.lineTo(x1, y1); pen.stroke();
    pen.setLineDash([]);
}

function axes(sheet, epochs, every, words) {
    const {pen, colour, left, right, top, bottom, low, high, width, x, y} = sheet;
    pen.fillStyle = colour('--body-text-color-subdued');
    pen.strokeStyle = colour('--border-color-primary');
    pen.lineWidth = 1;
    pen.textAlign = 'right';
    pen.textBaseline = 'middle';
    for (let value = low; value <= high + 1e-9; value += every) {
        pen.fillText(words(value), left - 8, y(value));
        line(sheet, left, y(value), right, y(value));
    }
    pen.textBaseline = 'top';
    const step = Math.ceil(epochs / (width < 500 ? 5 : 10));
    for (let epoch = 0; epochs && epoch <= epochs; epoch += step) {
        pen.textAlign = epoch === 0 ? 'left' : epoch === epochs && live ? 'right' : 'center';
        pen.fillText(epoch === 0 ? 'start' : (live || epoch === step ? 'epoch ' : '') + epoch, x(epoch), bottom + 6);
        line(sheet, x(epoch), top, x(epoch), bottom, [3, 4]);
    }
}

function curve({pen, x}, points, y, colour, thickness, dashed = false) {
    pen.strokeStyle = colour;
    pen.lineWidth = thickness;
    pen.setLineDash(dashed ? [7, 4] : []);
    pen.beginPath();
    points.forEach(([epoch, value], i) => i ? pen.lineTo(x(epoch), y(value)) : pen.moveTo(x(epoch), y(value)));
    pen.stroke();
    pen.setLineDash([]);
}

function dots({pen, x}, points, y, colour) {
    pen.fillStyle = colour;
    for (const [epoch, value] of points) { pen.beginPath(); pen.arc(x(epoch), y(value), 3, 0, 7); pen.fill(); }
}

// A vertical line and a few words for each setting that was changed.
function marks(sheet, changes) {
    const {pen, colour, left, right, top, bottom, x} = sheet;
    pen.fillStyle = pen.strokeStyle = colour('--body-text-color-subdued');
    pen.lineWidth = 1;
    pen.textBaseline = 'bottom';
    changes.forEach(([epoch, what], i) => {
        const late = x(epoch) > (left + right) / 2;
        pen.textAlign = late ? 'right' : 'left';
        line(sheet, x(epoch), top - 6, x(epoch), bottom);
        pen.fillText(what, x(epoch) + (late ? -4 : 4), top - 2 + 14 * (i % 3));
    });
}

// A dotted line at what guessing gives.
function guess(sheet, value, words) {
    const {pen, colour, left, right, y} = sheet;
    pen.fillStyle = pen.strokeStyle = colour('--body-text-color-subdued');
    pen.lineWidth = 1;
    line(sheet, left, y(value), right, y(value), [1, 4]);
    pen.textAlign = 'right';
    pen.textBaseline = 'bottom';
    pen.fillText('guessing: ' + words, right - 6, y(value) - 2);
}

// The name of each line beside its end, moved apart where two would overlap.
function ends(sheet, series, curveOf) {
    const {pen, colour, right, width, bottom, y} = sheet, apart = 14;
    const labels = series.filter((one) => curveOf(one).length)
        .map((one) => ({one, at: y(curveOf(one).at(-1)[1])}))
        .sort((a, b) => a.at - b.at);
    labels.forEach((label, i) => { if (i) label.at = Math.max(label.at, labels[i - 1].at + apart); });
    let room = bottom;
    for (const label of labels.slice().reverse()) { label.at = Math.min(label.at, room); room = label.at - apart; }
    pen.textAlign = 'left';
    pen.textBaseline = 'middle';
    pen.fillStyle = colour('--body-text-color');
    pen.lineWidth = 2.5;
    for (const {one, at} of labels) {
        pen.strokeStyle = colour(one.colour);
        line(sheet, right + 5, at, right + 18, at, one.dashed ? [5, 3] : []);
        pen.fillText(clipped(pen, one.name, width - right - 22), right + 22, at);
    }
}

function clipped(pen, name, room) {
    let text = name;
    while (text.length > 1 && pen.measureText(text).width > room) text = text.replace(/…$/, '').slice(0, -1) + '…';
    return text;
}

function drawLive({epochs, series: [run]}) {
    const [canvas] = canvases, {steps, points, means, shares, changes} = run;
    canvas.dataset.points = steps.length;
    canvas.dataset.validations = shares.length;
    canvas.dataset.changes = changes.map(([, what]) => what).join('; ');
    const share = shares.at(-1), accuracy = share ? ` Accuracy ${percent(share[1])}.` : '';
    const newest = steps.length ? `Loss ${lossWords(means.at(-1)[1])} at step ${steps.at(-1).toLocaleString('en')}` : '';
    canvas.setAttribute('aria-label', `Loss curve. ${newest || 'No loss yet'}.${accuracy}`);
    chart.querySelector('.latest').textContent = newest;

    const highest = points.reduce((most, [, loss]) => Math.max(most, loss), 2.4), ceiling = Math.ceil(highest * 2) / 2;
    const sheet = paper(canvas, epochs, [0, ceiling], 44);
    if (!sheet) return;
    const {pen, colour, left, right, top, bottom, y} = sheet, good = colour('--good');
    axes(sheet, epochs, ceiling > 4 ? Math.ceil(ceiling / 4) : 0.5, (loss) => loss.toFixed(1));
    if (!epochs) {
        pen.textAlign = 'center';
        pen.fillText('The loss curve grows here once a training has started.', (left + right) / 2, (top + bottom) / 2);
    }
    const up = (value) => bottom - (bottom - top) * value;
    pen.textAlign = 'left';
    pen.textBaseline = 'middle';
    for (const value of shares.length ? [0, 0.5, 1] : []) pen.fillText(100 * value + ' %', right + 6, up(value));
    curve(sheet, points, y, colour('--chart-points'), 1);
    curve(sheet, means, y, colour('--chart-line'), 2.5);
    curve(sheet, shares, up, good, 1.5);
    dots(sheet, shares, up, good);
    marks(sheet, changes);
}

function drawPanel(canvas, {epochs, series}, range, every, curveOf, axisWords, words, guessed) {
    const title = canvas.closest('figure').querySelector('figcaption').firstChild.textContent.trim();
    const numbers = series.map((one) => {
        const end = curveOf(one).at(-1);
        return one.name + (end ? ` ${words(end[1])} after ${+end[0].toPrecision(3)} epochs` : ' has no number yet');
    });
    canvas.setAttribute('aria-label', `${title} over ${epochs} epochs: ${numbers.join('; ')}`);
    canvas.dataset.points = series.reduce((sum, one) => sum + curveOf(one).length, 0);
    const off = series.map((one) => [one.name, curveOf(one).reduce((most, [, value]) => Math.max(most, value), 0)])
        .filter(([, most]) => most > range[1]).map(([name, most]) => `${name}: up to ${words(most)}`);
    canvas.closest('figure').querySelector('.off').textContent = off.length ? '↑ ' + off.join('; ') : '';

    const sheet = paper(canvas, epochs, range, 92);
    if (!sheet) return;
    axes(sheet, epochs, every, axisWords);
    if (guessed) guess(sheet, ...guessed);
    for (const one of series) {
        curve(sheet, curveOf(one), sheet.y, sheet.colour(one.colour), 2.5, one.dashed);
        if (canvas === canvases[1]) dots(sheet, curveOf(one), sheet.y, sheet.colour(one.colour));
    }
    ends(sheet, series, curveOf);
}

function drawCompared(data) {
    const {series, classes, loss, accuracy} = data;
    chart.hidden = !series.length;
    if (chart.hidden) return;
    chart.querySelector('.curve-names').replaceChildren(...series.map((one) => {
        const item = document.createElement('li'), sample = document.createElement('i');
        sample.style.borderTop = `3px ${one.dashed ? 'dashed' : 'solid'} var(${one.colour})`;
        item.append(sample, one.name);
        return item;
    }));
    const chance = classes && Math.log(classes), wide = accuracy[1] - accuracy[0] > 0.55;
    drawPanel(canvases[0], data, loss, loss[1] - loss[0] > 2.5 ? 1 : 0.5, (one) => one.means,
        (value) => value.toFixed(1), lossWords, classes && [chance, chance.toFixed(2)]);
    drawPanel(canvases[1], data, accuracy, classes ? 0.25 : wide ? 0.2 : 0.1, (one) => one.shares,
        (value) => (100 * value).toFixed(0) + ' %', percent, classes && [1 / classes, (100 / classes).toFixed(0) + ' %']);
}

function draw() {
    const data = parse(props.value);
    if (live) drawLive(data);
    else drawCompared(data);
}

watch('value', draw);
const seen = new ResizeObserver(draw);
canvases.forEach((canvas) => seen.observe(canvas));
// dark and light change the colours
new MutationObserver(draw).observe(document.body, {attributes: true, attributeFilter: ['class']});
draw();
