"""What models write beside words: thoughts, tokens that steer them, calls written as text.

Pure functions over one text, each in time that grows with its length and not faster. What becomes of an answer that
holds such is for `teacher`, of an episode for `quality`.
"""
