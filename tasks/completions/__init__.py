"""The durable completions: the store, the keys under which answers lie, locks between runs, and their maintenance.

What is asked and how is `tasks/teacher`'s; a completion that was paid for is kept here before anybody uses it.
"""
