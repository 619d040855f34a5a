// Does what the address asks of the browser, once: opens a tab, hides tabs and parts of the page.
let done = false;

function follow() {
    const part = element.querySelector('[data-orders]');
    if (done || !part) return;
    done = true;
    const orders = JSON.parse(part.dataset.orders);
    if (orders.hide) hideTabs(orders.hide, orders.hideLabels || []);
    if (orders.tab) openTab(orders.tab, orders.label);
}

watch('value', () => setTimeout(follow));  // after the new value is drawn
follow();
