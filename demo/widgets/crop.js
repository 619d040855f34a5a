// A square frame on a photo. The value is JSON with crop_size, crop_x and crop_y of an ImageEdit: the size is a fraction
// of the photo's shorter side, the places go from 0 (left, top) to 1 (right, bottom).
// Whatever a person does to the frame writes the value and triggers 'input'; an event 'reset-edit' only writes it.
const NAMES = ['crop_size', 'crop_x', 'crop_y'];
const SMALLEST = 0.1, STEP = 0.02, ZOOM = 0.9;
const box = element.querySelector('.crop'), stage = element.querySelector('.stage');
const photo = element.querySelector('img'), frame = element.querySelector('.frame'), shade = element.querySelector('.shade i');
const ranges = [...element.querySelectorAll('input')], amounts = [...element.querySelectorAll('.amount')];
const within = (value, low, high) => Math.min(Math.max(value, low), high);

const parse = () => { const crop = JSON.parse(props.value); return NAMES.map((name) => crop[name]); };
const text = (parts) => JSON.stringify(Object.fromEntries(NAMES.map((name, i) => [name, +parts[i].toFixed(4)])));

// {side, left, top} in pixels of the photo
const sizes = () => ({width: photo.naturalWidth || 1, height: photo.naturalHeight || 1});
function read() {
    const {width, height} = sizes();
    const [size, x, y] = parse();
    const side = size * Math.min(width, height);
    return {side, left: (width - side) * x, top: (height - side) * y};
}
function write({side, left, top}) {
    const {width, height} = sizes(), short = Math.min(width, height);
    side = within(side, SMALLEST * short, short);
    const place = (at, room) => room > 0.001 ? within(at / room, 0, 1) : 0.5;
    const parts = [side / short, place(left, width - side), place(top, height - side)];
    send(parts);
}
function zoom(factor) {  // about the middle
    const {side, left, top} = read(), {width, height} = sizes(), short = Math.min(width, height);
    const now = within(side * factor, SMALLEST * short, short), more = (now - side) / 2;
    write({side: now, left: left - more, top: top - more});
}

function draw() {
    const {width, height} = sizes(), {side, left, top} = read();
    const [size, x, y] = parse();
    for (const one of [frame, shade]) {
        one.style.left = 100 * left / width + '%';
        one.style.top = 100 * top / height + '%';
        one.style.width = 100 * side / width + '%';
        one.style.height = 100 * side / height + '%';
    }
    [size, x, y].forEach((part, i) => {
        ranges[i].value = Math.round(100 * part);
        amounts[i].textContent = ranges[i].ariaValueText = Math.round(100 * part) + ' %';
    });
    ranges[1].disabled = width - side < 0.01;
    ranges[2].disabled = height - side < 0.01;
}

let waiting = 0;
function send(parts) {
    const next = text(parts);
    if (next === props.value) return;
    props.value = next;
    draw();
    waiting ||= requestAnimationFrame(() => { waiting = 0; trigger('input'); });
}

// mouse and touch: one pointer moves the frame or a corner, two zoom
const pointers = new Map();
let held = null;
function grasp() {
    const {side, left, top} = read();
    const [first, second] = [...pointers.values()];
    held = {side, left, top, x: first.x, y: first.y, corner: first.corner};
    if (second) held.apart = Math.hypot(first.x - second.x, first.y - second.y) || 1;
}
frame.addEventListener('pointerdown', (event) => {
    if (event.button) return;
    pointers.set(event.pointerId, {x: event.clientX, y: event.clientY, corner: event.target.dataset.corner});
    frame.setPointerCapture(event.pointerId);
    frame.focus({preventScroll: true});
    event.preventDefault();
    grasp();
});
frame.addEventListener('pointermove', (event) => {
    const pointer = pointers.get(event.pointerId);
    if (!pointer || !held) return;
    pointer.x = event.clientX;
    pointer.y = event.clientY;
    const {width, height} = sizes(), shown = stage.getBoundingClientRect();
    const [first, second] = [...pointers.values()];
    if (second) {
        const side = held.side * Math.hypot(first.x - second.x, first.y - second.y) / held.apart, more = (side - held.side) / 2;
        write({side, left: held.left - more, top: held.top - more});
        return;
    }
    const right = (first.x - held.x) * width / shown.width, down = (first.y - held.y) * height / shown.height;
    if (!held.corner) return write({side: held.side, left: held.left + right, top: held.top + down});
    // the opposite corner stays where it is
    const [above, before] = [held.corner[0] === 'n', held.corner[1] === 'w'];
    const bottom = held.top + held.side, far = held.left + held.side;
    const room = Math.min(above ? bottom : height - held.top, before ? far : width - held.left);
    const grown = Math.max(above ? -down : down, before ? -right : right);
    const side = within(held.side + grown, SMALLEST * Math.min(width, height), room);
    write({side, left: before ? far - side : held.left, top: above ? bottom - side : held.top});
});
for (const end of ['pointerup', 'pointercancel']) {
    frame.addEventListener(end, (event) => {
        pointers.delete(event.pointerId);
        held = null;
        if (pointers.size) grasp();
    });
}

// keyboard
frame.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const {side, left, top} = read(), {width, height} = sizes();
    const step = STEP * Math.max(width, height) * (event.shiftKey ? 4 : 1);
    const moves = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]};
    if (event.key in moves) {
        const [right, down] = moves[event.key];
        write({side, left: left + right, top: top + down});
    } else if (event.key === '+' || event.key === '=') zoom(ZOOM);
    else if (event.key === '-' || event.key === '_') zoom(1 / ZOOM);
    else return;
    event.preventDefault();
});
ranges[0].addEventListener('input', () => {
    const {width, height} = sizes();
    zoom(ranges[0].value / 100 * Math.min(width, height) / read().side);
});
for (const at of [1, 2]) ranges[at].addEventListener('input', () => {
    const parts = parse();
    parts[at] = ranges[at].value / 100;
    send(parts);
});

function show() {
    box.hidden = !props.photo;
    if (!props.photo) return;
    photo.src = props.photo;
}
photo.addEventListener('load', () => {
    const {width, height} = sizes();
    stage.style.width = `clamp(3rem, ${Math.round(340 * width / height)}px, 100%)`;
    photo.style.imageRendering = Math.max(width, height) < 200 ? 'pixelated' : '';
    draw();
});
element.addEventListener('reset-edit', () => {
    props.value = props.whole;
    draw();
});
watch('photo', () => {
    show();
    if (!props.photo) return;
    const block = window.innerWidth < 700 ? 'start' : 'nearest';
    setTimeout(() => box.scrollIntoView({behavior: 'smooth', block}), 400);  // once the photo has its height
});
watch('value', draw);
show();
draw();
