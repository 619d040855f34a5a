"""The tab Lab: classic mistakes, made on purpose."""
