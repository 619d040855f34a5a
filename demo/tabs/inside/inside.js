// The maps of a picture: a click, or the arrow keys, choose one unit of a convolution. What a reader has opened, switched
// on or focused stays so when the server sends the stages anew.
const switched = new Set();
let focused = null;

const keyed = (key) => [...element.querySelectorAll('[data-key]')].find((part) => part.dataset.key === key);
const placeIn = (map) => ({
    row: parseInt(map.style.getPropertyValue('--row')), column: parseInt(map.style.getPropertyValue('--column')),
});
const sideOf = (map) => parseInt(getComputedStyle(map).getPropertyValue('--side'));

function choose(map, row, column) {
    element.querySelectorAll('.map.chosen').forEach((other) => other.classList.remove('chosen'));
    // the same unit stands in the map before and after ReLU
    const same = `.map[data-layer="${map.dataset.layer}"][data-channel="${map.dataset.channel}"]`;
    for (const twin of element.querySelectorAll(same)) {
        twin.classList.add('chosen');
        twin.style.setProperty('--row', row);
        twin.style.setProperty('--column', column);
    }
    trigger('pick', {layer: map.dataset.layer, channel: +map.dataset.channel, row, column});
}

element.addEventListener('click', (event) => {
    const map = event.target.closest('.map[data-layer]');
    if (!map) return;
    const side = sideOf(map), box = map.querySelector('.pixels').getBoundingClientRect();
    const within = (share) => Math.min(side - 1, Math.max(0, Math.floor(share * side)));
    const known = placeIn(map), middle = Math.floor(side / 2);
    const byKeyboard = event.detail === 0;  // Enter or space: no place was pointed at
    const row = byKeyboard ? known.row : within((event.clientY - box.top) / box.height);
    const column = byKeyboard ? known.column : within((event.clientX - box.left) / box.width);
    choose(map, row >= 0 ? row : middle, column >= 0 ? column : middle);
});

element.addEventListener('keydown', (event) => {
    const map = event.target.closest('.map[data-layer]');
    const step = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
    if (!map || !step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const side = sideOf(map), known = placeIn(map), middle = Math.floor(side / 2);
    const moved = (at, by) => Math.min(side - 1, Math.max(0, (at >= 0 ? at : middle) + by));
    choose(map, moved(known.row, step[0]), moved(known.column, step[1]));
});

const keep = (part, on) => part?.dataset.key && switched[on ? 'add' : 'delete'](part.dataset.key);
// A click comes before the opening; 'toggle' would also tell of what the server's new content has closed.
element.addEventListener('click', (event) => {
    const part = event.target.closest('summary')?.parentElement;
    keep(part, !part?.open);
});
element.addEventListener('change', (event) => keep(event.target, event.target.checked));
element.addEventListener('focusin', (event) => { focused = event.target.dataset.key ?? null; });
element.addEventListener('focusout', (event) => { if (event.relatedTarget) focused = null; });
document.addEventListener('pointerdown', (event) => { if (!element.contains(event.target)) focused = null; });

new MutationObserver(() => {
    for (const key of switched) {
        const part = keyed(key);
        if (part?.tagName === 'DETAILS') part.open ||= true;
        else if (part) part.checked = true;
    }
    if (focused && document.activeElement === document.body) keyed(focused)?.focus({preventScroll: true});
}).observe(element, {childList: true, subtree: true, attributeFilter: ['open']});
