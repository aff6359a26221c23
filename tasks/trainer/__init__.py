"""Fine-tuning: data prepared for a model, the training itself, and what it will take. The only room with torch in it.

Importing this package loads none of torch, transformers and trl; the modules that need them say so. `footprint`,
`hub`, `model_files` and `curve` need none of them, so that a flow may ask them.
"""
