// A thing to try opens its tab in the browser; the server then sets the fields that it names.
element.addEventListener('click', (event) => {
    const button = event.target.closest('[data-query]');
    if (!button) return;
    if (button.dataset.tab) openTab(button.dataset.tab, button.dataset.label);
    trigger('pick', {query: button.dataset.query});
    // on a phone the panel covers the page
    if (window.innerWidth < 768) toggleSidebar(document.querySelector('#lesson'));
});
