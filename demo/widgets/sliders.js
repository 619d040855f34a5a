// Sliders side by side. The value is text: their numbers in order, with a space between.
const ranges = [...element.querySelectorAll('input')], told = [...element.querySelectorAll('.told')];
let sent = props.value;

function draw() {
    const numbers = (props.value || '').split(' ');
    ranges.forEach((range, i) => {
        range.value = numbers[i];
        told[i].textContent = range.value.replace('-', '−') + range.dataset.unit;
        range.setAttribute('aria-valuetext', told[i].textContent);
    });
}
element.addEventListener('input', () => {
    props.value = sent = ranges.map((range) => range.value).join(' ');
    draw();
    trigger('input');
});
watch('value', () => {
    draw();
    if (props.value !== sent) trigger('input');  // the server moved them
    sent = props.value;
});
draw();
