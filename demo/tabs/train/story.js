// lets a screen reader read what is new here, once it has finished its sentence
element.setAttribute('role', 'status');
element.setAttribute('aria-live', 'polite');
