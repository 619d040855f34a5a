// Puts the run that is followed into the page's address, so that a refresh or a friend finds it; gives on what it got.
(state, ...others) => {
    const {run} = JSON.parse(state);
    const address = new URL(window.location);
    if (run) address.searchParams.set('run', run);
    address.searchParams.delete('move'); // a code that works once
    if (address.href !== window.location.href) window.history.replaceState(null, '', address);
    return [state, ...others];
}
