// Copies the code. The clipboard is there for pages from this computer or over https only; elsewhere what is selected
// can be copied.
element.addEventListener('click', async (event) => {
    const button = event.target.closest('.copy');
    if (!button) return;
    const code = element.querySelector('pre'), selection = window.getSelection();
    if (navigator.clipboard) await navigator.clipboard.writeText(code.textContent);
    else {
        selection.selectAllChildren(code);
        document.execCommand('copy');
        selection.removeAllRanges();
    }
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
});
