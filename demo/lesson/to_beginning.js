(step) => {
    // takes whoever reads the lesson, by eye or with a screen reader, to where the new step begins
    const begin = document.querySelector('#lesson-begin'), reader = document.activeElement;
    const before = begin.dataset.step;
    begin.dataset.step = step;
    if (!before || before === begin.dataset.step || !reader || !reader.closest('#lesson')) return;
    begin.tabIndex = -1;
    begin.focus({preventScroll: true});
    document.querySelector('#lesson-step').scrollIntoView();
}
