"""JSON kept to the digit: text, schemas that data must fit, patches.

It may know errors alone.
"""
