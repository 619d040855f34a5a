"""The tables of the store, a module for each subject: its rows as frozen dataclasses, and its SQL.

Every function takes the connection of a transaction that is open (see `db.py`).
"""
