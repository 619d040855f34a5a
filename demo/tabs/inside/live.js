// Asks for newer filters only while a run that trains is shown and can be seen, so that an idle page asks for nothing.
const asking = setInterval(() => {
    if (!element.isConnected) return clearInterval(asking);
    const seen = element.offsetParent && !document.hidden;
    if (seen && element.querySelector('[data-live]')) trigger('refresh');
}, 1000);
