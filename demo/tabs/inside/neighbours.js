// A search takes seconds. If another image is shown when its result arrives, the images near to that one are asked for.
const keyIn = (part) => part?.querySelector('[data-of]')?.dataset.of;
watch('value', () => setTimeout(() => {
    const searched = keyIn(element), shown = keyIn(document.querySelector('#inside-about'));
    if (searched && shown && searched !== shown) trigger('stale');
}));
