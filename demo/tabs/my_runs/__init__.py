"""The tab My runs: compare, rename, delete, download."""
