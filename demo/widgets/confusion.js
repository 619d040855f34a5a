// The confusion table: a click sends the classes of the cell; arrow keys move from cell to cell.
element.addEventListener('click', (event) => {
    const cell = event.target.closest('[data-truth]');
    if (cell) trigger('pick', {truth: cell.dataset.truth, predicted: cell.dataset.predicted});
});
element.addEventListener('keydown', (event) => {
    const cell = event.target.closest('[data-truth]');
    const move = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]}[event.key];
    if (!cell || !move) return;
    event.preventDefault();
    const place = cell.parentElement;
    const row = place.closest('table').rows[place.parentElement.rowIndex + move[0]];
    const button = row?.cells[place.cellIndex + move[1]]?.querySelector('button');
    if (!button) return;
    cell.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
});
