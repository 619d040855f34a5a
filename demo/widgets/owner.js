// The visitor's key, or at the first visit a new one. Tabs that are opened together find the same: the first of them
// leaves it where the others look.
async (stored) => {
    const place = 'cifar-demo-new-owner';
    const find = () => {
        const bytes = [...crypto.getRandomValues(new Uint8Array(24))];
        const key = localStorage.getItem(place) || bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
        localStorage.setItem(place, key);
        return key;
    };
    try {
        if (!stored) return await (navigator.locks ? navigator.locks.request(place, find) : find());
        localStorage.removeItem(place);
    } catch {
        // the browser stores nothing: the server gives a key to this page alone
    }
    return stored;
}
