"""Tests of the trainer; what needs the `train` extra is skipped without it, file by file or test by test."""
