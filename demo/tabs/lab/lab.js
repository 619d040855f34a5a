// Asks for news of the pair, only while somebody can see it and one of the two runs is active.
const looking = setInterval(() => {
    if (!element.isConnected) return clearInterval(looking);
    const board = element.querySelector('[data-active]');
    if (board && !document.hidden && element.checkVisibility()) trigger('look', {version: board.dataset.version});
}, 1000);
