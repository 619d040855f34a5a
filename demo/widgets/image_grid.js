// A click on an image marks it and sends its index.
element.addEventListener('click', (event) => {
    const cell = event.target.closest('[data-index]');
    if (!cell) return;
    element.querySelectorAll('.chosen').forEach((other) => other.classList.remove('chosen'));
    cell.classList.add('chosen');
    trigger('pick', {index: Number(cell.dataset.index)});
});
