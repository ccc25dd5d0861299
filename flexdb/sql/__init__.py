"""Every statement: the ``.sql`` files, what reads them, and what pages a list.

It may know plan and, for the form of an answer, config.
"""
