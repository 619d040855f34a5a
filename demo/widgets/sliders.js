// Sliders side by side. The value is JSON: the number of each under its name.
// An event 'reset-edit' on the element sets all of them back.
const ranges = [...element.querySelectorAll('input')], amounts = [...element.querySelectorAll('.amount')];

function draw() {
    const numbers = JSON.parse(props.value);
    ranges.forEach((range, i) => {
        range.value = numbers[range.name];
        amounts[i].textContent = range.value.replace('-', '−') + range.dataset.unit;
        range.setAttribute('aria-valuetext', amounts[i].textContent);
    });
}
function send(number) {
    props.value = JSON.stringify(Object.fromEntries(ranges.map((range) => [range.name, Number(number(range))])));
    draw();
    trigger('input');
}
element.addEventListener('input', () => send((range) => range.value));
element.addEventListener('reset-edit', () => send((range) => range.defaultValue));
watch('value', draw);
draw();
