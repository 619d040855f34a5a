// Puts the run that is followed into the page's address, so that a refresh or a friend finds it; gives on what it got.
(state, ...others) => {
    const {run} = JSON.parse(state);
    if (run) {
        const address = new URL(window.location);
        address.searchParams.set('run', run);
        window.history.replaceState(null, '', address);
    }
    return [state, ...others];
}
