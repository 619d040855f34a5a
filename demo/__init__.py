"""The web page: layout, wiring and words around the plain core in `cifar_core`."""
