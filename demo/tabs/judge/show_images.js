// Brings the images into view where they lie below the number that was clicked, as on a phone.
() => {
    const images = document.getElementById('found');
    if (images.getBoundingClientRect().top > 0.6 * window.innerHeight) images.scrollIntoView({behavior: 'smooth'});
}
