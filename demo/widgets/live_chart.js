// Draws the curves on a canvas. The value is text that only grows while a run goes on, so that an update sends its tail
// alone:  epochs|images an epoch|  then a part for each point  step,images,loss;  each probe  a,images,accuracy;  and each
// change of a setting  c,images,what;
const canvas = element.querySelector('canvas');
const latest = element.querySelector('.latest');

function parse(text) {
    const [epochs, perEpoch, parts] = (text || '0|1|').split('|');
    const data = {epochs: +epochs, total: epochs * perEpoch, steps: [], images: [], losses: [], probes: [], changes: []};
    for (const part of parts.split(';')) {
        if (!part) continue;
        const [kind, images, value] = part.split(',');
        if (kind === 'a') data.probes.push({images: +images, share: +value});
        else if (kind === 'c') data.changes.push({images: +images, what: value});
        else {
            data.steps.push(+kind);
            data.images.push(+images);
            data.losses.push(+value);
        }
    }
    return data;
}

// The mean over the last twentieth of the run: what the noisy points have in common.
function smooth({total, images, losses}) {
    const width = total / 20, means = [];
    let sum = 0, first = 0;
    for (let i = 0; i < losses.length; i++) {
        sum += losses[i];
        while (images[i] - images[first] > width) sum -= losses[first++];
        means.push(sum / (i - first + 1));
    }
    return means;
}

function draw() {
    const data = parse(props.value), {epochs, total, steps, images, losses, probes, changes} = data, means = smooth(data);
    const style = getComputedStyle(canvas), ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height) return;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext('2d');
    pen.scale(ratio, ratio);
    const text = style.getPropertyValue('--body-text-color-subdued'), line = style.getPropertyValue('--border-color-primary');
    const accent = style.getPropertyValue('--chart-line'), faint = style.getPropertyValue('--chart-points');
    const good = style.getPropertyValue('--good');
    const left = 40, right = width - 44, top = 26, bottom = height - 34;
    const highest = losses.reduce((a, b) => Math.max(a, b), 2.4), ceiling = Math.ceil(highest * 2) / 2;
    const x = (seen) => left + (right - left) * seen / (total || 1);
    const y = (loss) => bottom - (bottom - top) * loss / ceiling;

    pen.font = '12px ' + style.fontFamily;
    pen.fillStyle = text;
    pen.strokeStyle = line;
    pen.lineWidth = 1;
    pen.textAlign = 'right';
    pen.textBaseline = 'middle';
    const rung = ceiling > 4 ? Math.ceil(ceiling / 4) : 0.5;
    for (let loss = 0; loss <= ceiling + 1e-9; loss += rung) {
        pen.fillText(loss.toFixed(1), left - 8, y(loss));
        pen.beginPath(); pen.moveTo(left, y(loss)); pen.lineTo(right, y(loss)); pen.stroke();
    }
    pen.textBaseline = 'top';
    pen.textAlign = 'center';
    if (total) {
        const every = Math.ceil(epochs / (width < 500 ? 5 : 10));
        for (let epoch = 0; epoch <= epochs; epoch += every) {
            const at = x(total * epoch / epochs);
            pen.textAlign = epoch === 0 ? 'left' : epoch === epochs ? 'right' : 'center';
            pen.fillText(epoch === 0 ? 'start' : 'epoch ' + epoch, at, bottom + 6);
            pen.setLineDash([3, 4]);
            pen.beginPath(); pen.moveTo(at, top); pen.lineTo(at, bottom); pen.stroke();
            pen.setLineDash([]);
        }
        if (probes.length) {
            pen.textAlign = 'left';
            pen.textBaseline = 'middle';
            for (const share of [0, 0.5, 1]) pen.fillText(100 * share + ' %', right + 6, bottom - (bottom - top) * share);
        }
    } else {
        pen.fillText('The loss curve grows here once a training has started.', (left + right) / 2, (top + bottom) / 2);
    }
    const curve = (places, heights, colour, thickness) => {
        pen.strokeStyle = colour; pen.lineWidth = thickness; pen.lineJoin = 'round';
        pen.beginPath();
        heights.forEach((height, i) => i ? pen.lineTo(x(places[i]), height) : pen.moveTo(x(places[i]), height));
        pen.stroke();
    };
    curve(images, losses.map(y), faint, 1);
    curve(images, means.map(y), accent, 2.5);
    const up = (share) => bottom - (bottom - top) * share;
    curve(probes.map((probe) => probe.images), probes.map((probe) => up(probe.share)), good, 1.5);
    pen.fillStyle = good;
    for (const probe of probes) { pen.beginPath(); pen.arc(x(probe.images), up(probe.share), 3, 0, 7); pen.fill(); }
    pen.fillStyle = pen.strokeStyle = text;
    pen.lineWidth = 1;
    pen.textBaseline = 'bottom';
    changes.forEach((change, i) => {
        const at = x(change.images);
        pen.textAlign = at > (left + right) / 2 ? 'right' : 'left';
        pen.beginPath(); pen.moveTo(at, top - 6); pen.lineTo(at, bottom); pen.stroke();
        pen.fillText(change.what, at + (at > (left + right) / 2 ? -4 : 4), top - 2 + 14 * (i % 3));
    });
    canvas.dataset.points = steps.length;
    canvas.dataset.probes = probes.length;
    canvas.dataset.changes = changes.map((change) => change.what).join('; ');
    const last = means.length - 1;
    const told = last < 0 ? 'No loss yet' : `Loss ${means[last].toFixed(3)} at step ${steps[last].toLocaleString('en')}`;
    const probe = probes.at(-1), right_now = probe ? ` Accuracy ${(100 * probe.share).toFixed(1)} %.` : '';
    canvas.setAttribute('aria-label', `Loss curve. ${told}.${right_now}`);
    latest.textContent = last < 0 ? '' : told;
}

watch('value', draw);
new ResizeObserver(draw).observe(canvas);
// dark and light change the colours
new MutationObserver(draw).observe(document.body, {attributes: true, attributeFilter: ['class']});
draw();
