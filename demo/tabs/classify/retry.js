// Where the server was too busy to compare a prediction with the test images, asks again in a while.
watch('value', () => setTimeout(() => {
    if (element.querySelector('[data-retry]')) trigger('retry');
}, 1000));
