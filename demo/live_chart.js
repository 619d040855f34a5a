// Draws the loss curve on a canvas. The value is text that only grows while a run goes on, so that an update sends its
// tail alone:  total steps|steps an epoch|step,loss;step,loss;...
const canvas = element.querySelector('canvas');
const table = element.querySelector('.latest');

function parse(text) {
    const [total, perEpoch, rows] = (text || '0|0|').split('|');
    const steps = [], losses = [];
    for (const row of rows.split(';')) {
        if (!row) continue;
        const comma = row.indexOf(',');
        steps.push(+row.slice(0, comma));
        losses.push(+row.slice(comma + 1));
    }
    return {total: +total, perEpoch: +perEpoch, steps, losses};
}

// The mean over the last twentieth of the run: what the noisy points have in common.
function smooth({total, steps, losses}) {
    const width = total / 20, means = [];
    let sum = 0, first = 0;
    for (let i = 0; i < losses.length; i++) {
        sum += losses[i];
        while (steps[i] - steps[first] > width) sum -= losses[first++];
        means.push(sum / (i - first + 1));
    }
    return means;
}

function draw() {
    const data = parse(props.value), {total, perEpoch, steps, losses} = data, means = smooth(data);
    const style = getComputedStyle(canvas), ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height) return;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext('2d');
    pen.scale(ratio, ratio);
    const text = style.getPropertyValue('--body-text-color-subdued'), line = style.getPropertyValue('--border-color-primary');
    const accent = style.getPropertyValue('--chart-line'), faint = style.getPropertyValue('--chart-points');
    const left = 40, right = width - 14, top = 12, bottom = height - 34;
    const highest = losses.reduce((a, b) => Math.max(a, b), 2.4), ceiling = Math.ceil(highest * 2) / 2;
    const x = (step) => left + (right - left) * step / (total || 1);
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
        const epochs = Math.round(total / perEpoch), every = Math.ceil(epochs / (width < 500 ? 5 : 10));
        for (let epoch = 0; epoch <= epochs; epoch += every) {
            pen.textAlign = epoch === 0 ? 'left' : epoch === epochs ? 'right' : 'center';
            pen.fillText(epoch === 0 ? 'start' : 'epoch ' + epoch, x(epoch * perEpoch), bottom + 6);
            pen.setLineDash([3, 4]);
            pen.beginPath(); pen.moveTo(x(epoch * perEpoch), top); pen.lineTo(x(epoch * perEpoch), bottom); pen.stroke();
            pen.setLineDash([]);
        }
    } else {
        pen.fillText('The loss curve grows here once a training has started.', (left + right) / 2, (top + bottom) / 2);
    }
    const curve = (values, colour, thickness) => {
        pen.strokeStyle = colour; pen.lineWidth = thickness; pen.lineJoin = 'round';
        pen.beginPath();
        values.forEach((value, i) => i ? pen.lineTo(x(steps[i]), y(value)) : pen.moveTo(x(steps[i]), y(value)));
        pen.stroke();
    };
    curve(losses, faint, 1);
    curve(means, accent, 2.5);
    canvas.dataset.points = steps.length;
    const last = means.length - 1;
    const told = last < 0 ? 'No loss yet' : `Loss ${means[last].toFixed(3)} at step ${steps[last].toLocaleString('en')}`;
    canvas.setAttribute('aria-label', `Loss curve. ${told} of ${total.toLocaleString('en')}.`);
    table.textContent = last < 0 ? '' : told;
}

watch('value', draw);
new ResizeObserver(draw).observe(canvas);
// dark and light change the colours
new MutationObserver(draw).observe(document.body, {attributes: true, attributeFilter: ['class']});
draw();
