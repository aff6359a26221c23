"""Frozen records, Arrow schemas and flow parameters: the shapes that data has wherever it crosses a border.

Imports nothing of ours, and neither Prefect nor torch.
"""
