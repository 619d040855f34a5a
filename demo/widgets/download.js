// Saves the file of the hidden button, and empties the button: a refused request must not save the file before again.
(file) => {
    if (file) {
        const link = document.createElement('a');
        link.href = file.url;
        link.download = file.orig_name;
        link.click();
    }
    return null;
}
