"""Requests that go through the Batch API: gathered, sent, waited for, and found again by a later run."""
