// Marks the cell of the matrix whose images are shown, and unmarks all others.
({question}) => document.querySelectorAll('#confusion [data-truth]').forEach((cell) =>
    cell.setAttribute('aria-pressed', cell.dataset.truth === question.truth && cell.dataset.predicted === question.predicted))
