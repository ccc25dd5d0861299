"""JSON kept to the digit: text and its size, schemas that data must fit, patches.

It may know errors alone.
"""
