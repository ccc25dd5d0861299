"""Citus: the tables of one database, spread over several machines by its own functions.

https://docs.citusdata.com/
"""
